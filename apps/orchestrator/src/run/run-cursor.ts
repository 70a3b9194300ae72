/** Where a page of runs ended: opaque to callers. */
import { invalidInput } from '@millrace/kernel';
import { z } from 'zod';

const cursorSchema = z.strictObject({ createdAt: z.iso.datetime(), runId: z.string().min(1).max(100) });
export type RunCursor = z.infer<typeof cursorSchema>;

export const writeCursor = ({ createdAt, runId }: RunCursor): string =>
  Buffer.from(JSON.stringify({ createdAt, runId })).toString('base64url');

/** @throws MillraceError `invalid_cursor` for what `writeCursor` has not written */
export function readCursor(text: string): RunCursor {
  try {
    return cursorSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    throw invalidInput('invalid_cursor', 'The cursor is not one that a page gave; begin without a cursor.', [
      { pointer: '/cursor', message: 'is not a cursor of this list' },
    ]);
  }
}
