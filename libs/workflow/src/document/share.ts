/** A whole number of percent: `0%` to `100%`. */
export const sharePattern = /^(100|[1-9]?[0-9])%$/;
export const shareHint = 'must be a whole number, or a share such as 10%';

/** How many of `count` a number or a share is at most. @throws Error for a text that does not match `sharePattern` */
export function countOf(share: number | string, count: number): number {
  if (typeof share === 'number') return share;
  const [, percent] = sharePattern.exec(share) ?? [];
  if (percent === undefined) throw new Error(`Not a share: ${share}`);
  return Math.floor((Number(percent) * count) / 100);
}
