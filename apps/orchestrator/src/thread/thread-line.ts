/**
 * Who stands in line at a thread, and who comes next. Pure.
 *
 * 1. At most one run is under way; it is so until its place is gone.
 * 2. Whoever interrupts comes next, and the last of them first; everybody else in order of arrival.
 * 3. Only a run that is stored comes next. A place whose run is not stored yet keeps others from being let in, and nobody from coming next.
 */
import type { OnBusy } from '@millrace/contracts';

/** A place in line. */
export interface PlaceInLine {
  readonly runId: string;
  readonly generation: number;
  readonly interrupts: boolean;
  readonly isStored: boolean;
  readonly isUnderWay: boolean;
}

/** How many runs of a thread may wait. */
export const mostInLine = 100;

export type Admission =
  { readonly kind: 'admitted' } | { readonly kind: 'busy'; readonly runId: string } | { readonly kind: 'full' };

/** Whether a run may join those that are there, in their order. */
export function admission(line: readonly PlaceInLine[], onBusy: OnBusy, most = mostInLine): Admission {
  const holder = line.find(({ isUnderWay }) => isUnderWay) ?? line[0];
  if (holder === undefined) return { kind: 'admitted' };
  if (onBusy === 'reject') return { kind: 'busy', runId: holder.runId };
  return line.length > most ? { kind: 'full' } : { kind: 'admitted' };
}

export interface NextInLine<Place> {
  /** Whose turn it is now; null where nobody's. */
  readonly next: Place | null;
  /** Whom the last that interrupts has come to cancel: it waits until they have ended, or comes before them. */
  readonly interrupted: readonly Place[];
  readonly interruptedBy: Place | null;
}

/** What follows from a line, in the order of arrival. */
export function nextInLine<Place extends PlaceInLine>(line: readonly Place[]): NextInLine<Place> {
  const stored = line.filter(({ isStored }) => isStored);
  const last = stored.findLastIndex(({ interrupts }) => interrupts);
  const interruptedBy = stored[last] ?? null;
  const before = stored.slice(0, Math.max(0, last));
  const interrupted = before.filter(({ interrupts, isUnderWay }) => interrupts || isUnderWay);
  const isFree = stored.every(({ isUnderWay }) => !isUnderWay);
  return { next: isFree ? (interruptedBy ?? stored[0] ?? null) : null, interrupted, interruptedBy };
}
