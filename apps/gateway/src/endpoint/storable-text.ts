/**
 * Why a text cannot be kept as it is; null where it can. Postgres takes no U+0000, and half of a surrogate pair becomes
 * U+FFFD wherever the text is written as UTF-8: what comes back would not be what was sent.
 */
export function unstorableBecause(text: string): string | null {
  if (text.includes('\u0000')) return 'holds the character U+0000, which cannot be stored';
  return text.isWellFormed() ? null : 'holds half of a surrogate pair (U+D800 to U+DFFF), which cannot be stored';
}
