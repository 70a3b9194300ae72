import type { SeedResult } from '../seeds/run-seed.js';

export interface Summary {
  readonly seeds: number;
  readonly runs: number;
  readonly events: number;
  readonly steps: number;
  /** The time that was simulated, in hours. */
  readonly simulatedHours: number;
  readonly seconds: number;
  /** The seeds in which an invariant broke, the lowest first. */
  readonly broken: readonly SeedResult[];
}

/** @param isWanted whether an invariant broke, or with a planted bug, the one that it is to break */
export function summaryOf(
  results: readonly SeedResult[],
  isWanted: (result: SeedResult) => boolean,
  seconds: number,
): Summary {
  const sum = (of: (result: SeedResult) => number): number => results.reduce((total, each) => total + of(each), 0);
  return {
    seeds: results.length,
    runs: sum(({ runs }) => runs),
    events: sum(({ events }) => events),
    steps: sum(({ steps }) => steps),
    simulatedHours: Math.round(sum(({ tookMs }) => tookMs) / 36_000) / 100,
    seconds: Math.round(seconds * 10) / 10,
    broken: results.filter(isWanted).sort((one, other) => one.seed - other.seed),
  };
}

export function reportOf({ seeds, runs, events, simulatedHours, seconds, broken }: Summary, bug?: string): string {
  const done = `${seeds} seeds, ${runs} runs, ${events} events, ${simulatedHours} simulated hours in ${seconds} s`;
  const [first] = broken;
  if (first?.broken == null) return `${done}: ${bug === undefined ? 'every invariant held' : `${bug} was not found`}.`;
  const { invariant, says, how } = first.broken;
  const again = `npm run simulate -- --seed ${first.seed}${bug === undefined ? '' : ` --bug ${bug}`}`;
  return `${done}\n\nSeed ${first.seed} broke ${invariant}: ${says}.\n  ${how}\n\nStep by step: ${again}`;
}
