/** Billionths of a dollar: whole numbers up to nine million dollars, so that sums are exact. */
export const nanoOf = (usd: number): number => Math.round(usd * 1e9);

/** What is held for a call must not be less than it may cost. */
export const nanoAbove = (usd: number): number => Math.ceil(usd * 1e9);

export const usdOf = (nano: number): number => nano / 1e9;

/** The month of a moment in UTC: `2026-11`. */
export const monthOf = (moment: Date): string => moment.toISOString().slice(0, 7);
