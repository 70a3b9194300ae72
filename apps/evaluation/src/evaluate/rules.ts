import type { Check } from '@millrace/contracts';
import { scored } from './gate.js';

/** A rule with a yes or no answer; `problem` says what is wrong when it does not hold. */
export interface Rule {
  readonly holds: boolean;
  readonly problem: string;
  readonly weight?: number;
}

/** The weighted share of the rules that hold; the reasons are the problems of the others, or `fine`. */
export function scoreRules(rules: readonly Rule[], fine: string): Check {
  const total = rules.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const held = rules.reduce((sum, { holds, weight = 1 }) => sum + (holds ? weight : 0), 0);
  const problems = rules.filter(({ holds }) => !holds).map(({ problem }) => problem);
  return scored(held / total, problems.length > 0 ? problems : [fine]);
}
