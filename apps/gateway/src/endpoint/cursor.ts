import { invalidInput, type JsonObject } from '@millrace/kernel';

/** Cursors are opaque to callers: what is in them may change with any version. */
export const encodeCursor = (position: JsonObject): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url');

/** @throws MillraceError `invalid_cursor` for what is no cursor of ours. */
export function decodeCursor(cursor: string): JsonObject {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (typeof position === 'object' && position !== null && !Array.isArray(position)) return position as JsonObject;
  } catch {
    // Said below, in our own words.
  }
  throw invalidInput('invalid_cursor', 'This cursor is none of ours. Leave it out to begin anew.');
}
