const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A whole number and a unit: `500ms`, `30s`, `5m`, `1h`, `7d`. */
export const durationPattern = /^([1-9][0-9]{0,8})(ms|s|m|h|d)$/;
export const durationHint = 'must be a number and a unit, such as 500ms, 30s, 5m, 1h or 7d';

/** A duration in milliseconds. @throws Error for a text that does not match `durationPattern` */
export function durationMs(text: string): number {
  const [, amount, unit] = durationPattern.exec(text) ?? [];
  if (amount === undefined || unit === undefined) throw new Error(`Not a duration: ${text}`);
  return Number(amount) * unitMs[unit as keyof typeof unitMs];
}
