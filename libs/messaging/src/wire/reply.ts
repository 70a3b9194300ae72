/** What a responder answers: `{ "ok": data }` or `{ "error": ErrorShape }`. */
import { errorShapeSchema } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { z } from 'zod';
import { decodeJson, encodeJson } from './envelope.js';

const replySchema = z.union([z.object({ ok: z.unknown() }), z.object({ error: errorShapeSchema })]);

export const encodeAnswer = (data: unknown): Buffer => encodeJson({ ok: data ?? null });

export const encodeFailure = (error: MillraceError): Buffer => encodeJson({ error: error.toShape() });

/** @throws MillraceError that the responder sent, or `invalid_reply`. */
export function decodeReply(bytes: Uint8Array): unknown {
  const parsed = replySchema.safeParse(decodeJson(bytes));
  if (!parsed.success) {
    throw new MillraceError('internal', 'invalid_reply', 'The reply is neither an answer nor an error.', {
      cause: parsed.error,
    });
  }
  if ('error' in parsed.data) throw MillraceError.fromShape(parsed.data.error);
  return parsed.data.ok;
}
