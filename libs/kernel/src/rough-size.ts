/** What a key, a number or a bracket takes, by rule of thumb. */
const smallBytes = 8;

/** What a character takes as JSON at most: `\u0000`. */
const longestEscape = 6;

/** Beyond this it is cheaper to write the JSON, and safer: a walk goes as deep as the value. */
const mostWalked = 16 * 1024;

/**
 * How many characters a value takes as JSON, roughly, and at most `enough`: what is larger is not walked to its end. A value that
 * is smaller takes at most six times that.
 */
export function roughSize(value: unknown, enough: number): number {
  if (typeof value === 'string') return Math.min(enough, value.length + 2);
  if (typeof value !== 'object' || value === null) return Math.min(enough, smallBytes);
  let size = smallBytes;
  for (const key in value) {
    if (size >= enough) return enough;
    size += key.length + smallBytes + roughSize((value as Record<string, unknown>)[key], enough - size);
  }
  return Math.min(enough, size);
}

/** How many characters a value takes as JSON: roughly where that is surely less than `limit`, else exactly. */
export function sizeUpTo(limit: number, value: unknown): number {
  const sure = Math.min(mostWalked, Math.floor(limit / longestEscape));
  const size = roughSize(value, sure);
  return size < sure ? size : JSON.stringify(value).length;
}
