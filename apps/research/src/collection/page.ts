import { invalidInput } from '@millrace/kernel';

/** A page of rows that are ordered by a key; the cursor holds the last key of the page before. */
export interface Page<Item> {
  readonly items: Item[];
  readonly cursor: string | null;
}

/** The key after which the page begins: the empty text, before every key, for the first. */
export function keyAfter(cursor: string | undefined): string {
  if (cursor === undefined) return '';
  const key = Buffer.from(cursor, 'base64url');
  if (cursor !== '' && key.toString('base64url') === cursor) return key.toString('utf8');
  const violation = { pointer: '/cursor', message: 'is not a cursor of an earlier page' };
  throw invalidInput('invalid_cursor', 'The cursor is not one that an earlier page gave.', [violation]);
}

/** @param found up to `limit + 1` items: one more says that another page follows. */
export function pageOf<Item>(found: readonly Item[], limit: number, keyOf: (item: Item) => string): Page<Item> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const isLast = found.length <= limit || last === undefined;
  return { items, cursor: isLast ? null : Buffer.from(keyOf(last)).toString('base64url') };
}
