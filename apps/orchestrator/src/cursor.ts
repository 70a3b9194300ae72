/** Where a page of a list ended: opaque to callers. */
import { invalidInput, type JsonObject } from '@millrace/kernel';
import type { z } from 'zod';

export const writeCursor = (cursor: JsonObject): string => Buffer.from(JSON.stringify(cursor)).toString('base64url');

/** @throws MillraceError `invalid_cursor` for what does not fit the schema */
export function readCursor<Cursor>(schema: z.ZodType<Cursor>, text: string): Cursor {
  try {
    return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    throw invalidInput('invalid_cursor', 'The cursor is not one that a page gave; begin without a cursor.', [
      { pointer: '/cursor', message: 'is not a cursor of this list' },
    ]);
  }
}
