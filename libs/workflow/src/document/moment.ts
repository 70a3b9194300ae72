import { z } from 'zod';

const schema = z.iso.datetime({ offset: true });

export const momentHint =
  'must be a date and time with its zone, such as 2030-01-31T09:00:00Z or 2030-01-31T10:00:00+01:00';

/** A moment in milliseconds since 1970, or null for a text that is no ISO 8601 date and time with a zone. */
export function momentOf(text: string): number | null {
  if (!schema.safeParse(text).success) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}
