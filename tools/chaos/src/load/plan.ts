/** What the client does and when, from the seed alone. */
import { Dice } from '../seed/dice.js';

export interface PlannedStart {
  readonly index: number;
  /** From the beginning of the load, in milliseconds. */
  readonly atMs: number;
  readonly graph: string;
  /** `none`: sent once, lost if it is lost. Keys are sent again until they are answered; some after that too. */
  readonly key: 'none' | 'retried' | 'repeated' | 'repeated-at-once' | 'reused-for-another-body';
  /** How the end is waited for. */
  readonly follow: 'poll' | 'stream' | 'broken-stream';
  readonly cancelAfterMs: number | null;
}

/** By how often each comes, out of the sum. */
const graphs: readonly (readonly [name: string, weight: number])[] = [
  ['diamond', 14],
  ['fanout', 8],
  ['chaos-effects', 20],
  ['chaos-retries', 16],
  ['chaos-writing', 18],
  ['chaos-rounds', 12],
  ['chaos-large', 6],
  ['chaos-waits', 8],
  ['chaos-timers', 6],
  ['chaos-long', 6],
];
const graphDeck = graphs.flatMap(([name, weight]) => Array.from({ length: weight }, () => name));

/** How much of the load goes on beyond the plan while faults take longer than planned, in milliseconds and starts. */
const tailMs = 180_000;
const tailRuns = 360;

/** What follows a load until it is told to stop, so that no fault falls into silence. */
export const tailOf = (seed: number, { runs, overMs, only = null }: LoadSize): PlannedStart[] =>
  loadOf(seed + 1, { runs: tailRuns, overMs: tailMs, only }).map((start) => ({
    ...start,
    index: start.index + runs,
    atMs: start.atMs + overMs,
  }));

export interface LoadSize {
  readonly runs: number;
  readonly overMs: number;
  /** One graph alone, to come to something sooner. */
  readonly only?: string | null;
}

/** Starts spread over a time, in the order of their moments. */
export function loadOf(seed: number, { runs, overMs, only = null }: LoadSize): PlannedStart[] {
  const dice = new Dice(seed, 'load');
  const moments = Array.from({ length: runs }, () => dice.within([0, Math.max(0, Math.floor(overMs))]));
  return moments
    .sort((left, right) => left - right)
    .map((atMs, index) => ({
      index,
      atMs,
      // The first ones are one of each, so that a short load has them all.
      graph: only ?? graphs[index]?.[0] ?? dice.pick(graphDeck),
      key: dice.pick([
        'none',
        'retried',
        'retried',
        'repeated',
        'repeated-at-once',
        'reused-for-another-body',
      ] as const),
      follow: dice.pick(['poll', 'poll', 'poll', 'stream', 'broken-stream'] as const),
      cancelAfterMs: dice.percent(8) ? dice.within([50, 1_500]) : null,
    }));
}
