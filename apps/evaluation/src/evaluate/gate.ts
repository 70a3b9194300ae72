/** From single checks to one score and one decision. What is missing never passes. */
import type { Check } from '@millrace/contracts';

export interface WeightedCheck {
  readonly name: string;
  readonly weight: number;
  readonly check: Check;
  /** The gate stays shut below this score, whatever the mean says. */
  readonly minimum?: number;
}

export interface GateDecision {
  readonly score: number | null;
  readonly passed: boolean;
  readonly checks: Record<string, Check>;
}

/** The weighted mean of the checks, null when one has no score or there is none, and whether it reaches the threshold. */
export function decideGate(weighted: readonly WeightedCheck[], threshold: number): GateDecision {
  const checks = Object.fromEntries(weighted.map(({ name, check }) => [name, check]));
  let sum = 0;
  let weights = 0;
  let shut = false;
  for (const { weight, check, minimum = 0 } of weighted) {
    if (check.score === null || Number.isNaN(check.score)) return { score: null, passed: false, checks };
    sum += weight * check.score;
    weights += weight;
    shut ||= check.score < minimum;
  }
  if (weights === 0) return { score: null, passed: false, checks };
  const score = Math.min(1, Math.max(0, sum / weights));
  return { score, passed: !shut && score >= threshold, checks };
}

/** A check that could be computed. */
export const scored = (score: number, reasons: readonly string[], confidence: Check['confidence'] = 'high'): Check => ({
  score: Math.min(1, Math.max(0, score)),
  confidence,
  reasons: [...reasons],
});

/** A check that could not be computed, and why. */
export const unscorable = (reason: string): Check => ({ score: null, confidence: 'low', reasons: [reason] });
