/** What a key, a number or a bracket takes, by rule of thumb. */
const smallBytes = 8;

/** How many bytes a value takes as JSON, roughly, and at most `enough`: what is larger is not walked to its end. */
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
