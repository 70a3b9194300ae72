/** The figures of all trials together. Pure. */
import type { RecoveredInjection, TrialResult } from '../trial/trial.js';

export interface KindFigures {
  readonly times: number;
  readonly recoveryP50Ms: number | null;
  readonly recoveryMostMs: number | null;
}

export interface Summary {
  readonly seeds: number;
  readonly faults: number;
  /** By kind; crashes at points that no process came to are not counted. */
  readonly faultsByKind: Readonly<Record<string, KindFigures>>;
  readonly forgedMessages: number;
  readonly accepted: number;
  readonly finished: number;
  readonly lost: number;
  /** Runs that ended as failed, by the code of their error. */
  readonly failures: Readonly<Record<string, number>>;
  readonly effectsCommitted: number;
  readonly effectsAppliedTwice: number;
  readonly violations: number;
  readonly stalled: number;
  /** Null where nothing was injected. */
  readonly recoveryP50Ms: number | null;
  readonly recoveryP95Ms: number | null;
  readonly durationMs: number;
}

export function summaryOf(trials: readonly TrialResult[]): Summary {
  const happened = trials.flatMap(({ injections }) => injections.filter((injection) => injection.happened));
  const byKind = Map.groupBy(happened, ({ fault }) => fault);
  const sum = (count: (trial: TrialResult) => number): number =>
    trials.reduce((total, trial) => total + count(trial), 0);
  const recoveries = sortedRecoveries(happened);
  return {
    seeds: trials.length,
    faults: happened.length,
    faultsByKind: Object.fromEntries([...byKind].sort().map(([kind, all]) => [kind, kindFigures(all)])),
    forgedMessages: sum(({ forgedMessages }) => forgedMessages),
    accepted: sum(({ accepted }) => accepted),
    finished: sum(({ finished }) => finished),
    lost: sum(({ lost }) => lost),
    failures: totals(trials.map(({ failures }) => failures)),
    effectsCommitted: sum(({ effectsCommitted }) => effectsCommitted),
    effectsAppliedTwice: sum(({ effectsAppliedTwice }) => effectsAppliedTwice),
    violations: sum(({ violations }) => violations.length),
    stalled: sum(({ stalled }) => (stalled ? 1 : 0)),
    recoveryP50Ms: percentile(recoveries, 50),
    recoveryP95Ms: percentile(recoveries, 95),
    durationMs: sum(({ durationMs }) => durationMs),
  };
}

function totals(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, count] of counts.flatMap((each) => Object.entries(each))) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

const sortedRecoveries = (injections: readonly RecoveredInjection[]): number[] =>
  injections.map(({ recoveryMs }) => recoveryMs).sort((left, right) => left - right);

function kindFigures(injections: readonly RecoveredInjection[]): KindFigures {
  const recoveries = sortedRecoveries(injections);
  const [recoveryP50Ms, recoveryMostMs] = [percentile(recoveries, 50), percentile(recoveries, 100)];
  return { times: injections.length, recoveryP50Ms, recoveryMostMs };
}

/** The nearest-rank percentile of sorted values; null where there are none. */
const percentile = (sorted: readonly number[], rank: number): number | null =>
  sorted[Math.max(0, Math.ceil((rank / 100) * sorted.length) - 1)] ?? null;

export const hasFailed = ({ violations, stalled }: TrialResult): boolean => violations.length > 0 || stalled;
