/** Envelopes as bytes: JSON in UTF-8. */
import { envelopeSchema, type Envelope } from '@millrace/contracts';
import { invalidInput, MillraceError } from '@millrace/kernel';
import type { Headers, IncomingMessage } from '../bus.js';
import { readersHeaders } from './headers.js';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** Largest message in bytes, however it travels. */
export const maximumMessageBytes = 64 * 1024 * 1024;

function firstIssue(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  const issue = issues[0];
  return issue === undefined ? 'it does not fit' : `${issue.path.map(String).join('.') || 'it'}: ${issue.message}`;
}

/** @throws MillraceError `payload_too_large` */
function checkSize(bytes: number): void {
  if (bytes <= maximumMessageBytes) return;
  throw new MillraceError(
    'too-large',
    'payload_too_large',
    `The message has ${bytes} bytes; ${maximumMessageBytes} are allowed. Store the content and send a reference to it.`,
  );
}

/** JSON bytes of any value that JSON can say. @throws MillraceError `invalid_message`, `payload_too_large` */
export function encodeJson(value: unknown): Buffer {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new MillraceError('invalid', 'invalid_message', 'The message cannot be written as JSON.', { cause: error });
  }
  const bytes = Buffer.from(text ?? 'null');
  checkSize(bytes.byteLength);
  return bytes;
}

/** @throws MillraceError `invalid_message`, `payload_too_large` */
export function encodeEnvelope(envelope: Envelope): Buffer {
  // A key without a value would vanish from the JSON and make the envelope invalid for its reader.
  const complete = envelope.data === undefined ? { ...envelope, data: null } : envelope;
  const checked = envelopeSchema.safeParse(complete);
  if (!checked.success) {
    throw invalidInput('invalid_message', `The envelope is not valid: ${firstIssue(checked.error.issues)}.`);
  }
  return encodeJson(complete);
}

/** @throws MillraceError `invalid_message` */
export function decodeJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(strictUtf8.decode(bytes));
  } catch (error) {
    throw new MillraceError('invalid', 'invalid_message', 'The message is not JSON in UTF-8.', { cause: error });
  }
}

/** @throws MillraceError `invalid_message` */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const parsed = envelopeSchema.safeParse(decodeJson(bytes));
  if (parsed.success) return parsed.data;
  throw invalidInput('invalid_message', `The message is not an envelope: ${firstIssue(parsed.error.issues)}.`);
}

/** A message as its reader gets it. @throws MillraceError `invalid_message` */
export const incomingMessage = (
  raw: { readonly subject: string; readonly headers: Headers },
  payload: Uint8Array,
): IncomingMessage => ({
  subject: raw.subject,
  headers: readersHeaders(raw.headers),
  envelope: decodeEnvelope(payload),
});
