import { invalidInput, type JsonObject } from '@millrace/kernel';
import { unstorableBecause } from './storable-text.js';

/** Cursors are opaque to callers: what is in them may change with any version. */
export const encodeCursor = (position: JsonObject): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url');

/** @throws MillraceError `invalid_cursor` for what is no cursor of ours. */
export function decodeCursor(cursor: string): JsonObject {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (isPosition(position)) return position;
  } catch {
    // Said below, in our own words.
  }
  throw invalidInput('invalid_cursor', 'This cursor is none of ours. Leave it out to begin anew.');
}

/** Cursors are flat. One with a text that no row can have was made up, and would fail in the query. */
function isPosition(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((part) => typeof part !== 'string' || unstorableBecause(part) === null);
}
