import type { Strategy } from './route.js';

/** What is known of a target when a call is to be made. */
export interface TargetState {
  /** Its circuit lets a call through, it has a slot, and it did not ask to be left alone. */
  readonly isAvailable: boolean;
  readonly weight: number;
  /** Calls that it works on, as a share of what it may, 0 to 1. */
  readonly load: number;
  /** US dollars for a million tokens in and out. */
  readonly price: number;
  /** Milliseconds to the first token, as of late; null where it was not asked yet. */
  readonly firstTokenMs: number | null;
}

/**
 * In which order targets are to be asked: indexes of those that are available, each once.
 * @param random gives numbers from 0 to 1, exclusive
 */
export function orderTargets(
  strategy: Strategy,
  targets: readonly TargetState[],
  random: () => number,
): readonly number[] {
  const available = targets.flatMap((target, index) => (target.isAvailable ? [{ target, index }] : []));
  // Equal ones are taken by weight, so that they share the calls.
  const ranked = available.map(({ target, index }) => ({
    index,
    rank: rankOf(strategy, target),
    draw: drawOf(target, random),
  }));
  return ranked.sort((left, right) => left.rank - right.rank || left.draw - right.draw).map(({ index }) => index);
}

function rankOf(strategy: Strategy, { load, price, firstTokenMs }: TargetState): number {
  switch (strategy) {
    case 'weighted':
      return 0;
    case 'least-loaded':
      return load;
    case 'cheapest':
      return price;
    case 'fastest':
      // Nobody knows how fast it is before it was asked.
      return firstTokenMs ?? 0;
  }
}

/** Sorted by these, targets come first as often as their weights say (Efraimidis and Spirakis, 2006). */
const drawOf = ({ weight }: TargetState, random: () => number): number => -Math.log(1 - random()) / weight;
