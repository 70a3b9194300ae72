/**
 * When which fault comes, from the seed alone.
 *
 * 1. Every fault asked for comes at least once.
 * 2. Faults overlap as they like, except that two of one resource never do.
 * 3. Nothing begins before the load, and all of it is over `durationOf` the schedule after its beginning.
 */
import { Dice, type Range } from '../seed/dice.js';
import type { Fault } from './catalogue.js';

export interface PlannedFault {
  readonly fault: Fault;
  /** From the beginning of the load, in milliseconds. */
  readonly atMs: number;
  readonly holdMs: number;
  /** Which replica it hits, where its service has several: this number modulo how many there are. */
  readonly replica: number;
}

export interface ScheduleOptions {
  readonly faults: readonly Fault[];
  /** How many more come, of the same kinds. */
  readonly extra: number;
  /** Between the beginnings of one fault and the next, in milliseconds. */
  readonly spacingMs: Range;
}

const firstAtMs = 500;
/** How long a resource is left alone after a fault was healed. */
const restMs = 1_500;

export function scheduleOf(seed: number, { faults, extra, spacingMs }: ScheduleOptions): PlannedFault[] {
  const dice = new Dice(seed, 'faults');
  const more = Array.from({ length: faults.length === 0 ? 0 : extra }, () => dice.pick(faults));
  const freeAt = new Map<string, number>();
  let nextAt = firstAtMs;
  const planned = dice.shuffle([...faults, ...more]).map((fault): PlannedFault => {
    const atMs = Math.max(nextAt, freeAt.get(fault.resource) ?? 0);
    const holdMs = dice.within(fault.holdMs);
    freeAt.set(fault.resource, atMs + holdMs + restMs);
    nextAt += dice.within(spacingMs);
    return { fault, atMs, holdMs, replica: dice.within([0, 1]) };
  });
  return planned.sort((left, right) => left.atMs - right.atMs);
}

/** When the last fault is healed, in milliseconds from the beginning. */
export const durationOf = (schedule: readonly PlannedFault[]): number =>
  schedule.reduce((latest, { atMs, holdMs }) => Math.max(latest, atMs + holdMs), 0);
