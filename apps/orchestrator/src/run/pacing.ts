/**
 * How long the writer rests between two batches. A commit costs the same for one row as for fifty, so a busy writer lets
 * the next batch gather for twice as long as the last one took; whoever publishes and answers in such bursts also saves
 * everybody else system calls. A writer that is not busy never rests: there the latency of a run is that of its commits.
 */

/** As many messages in one batch come only from several runs, or from a wide step of one. */
const busyItems = 4;
/** With so many waiting there is nothing to gain from more. */
const enoughWaiting = 48;
const longestRestMs = 10;

export interface WrittenBatch {
  readonly items: number;
  readonly tookMs: number;
  /** How many messages wait for the next batch already. */
  readonly waiting: number;
}

/** The rest after a batch, in milliseconds; 0 for none. */
export function restAfter({ items, tookMs, waiting }: WrittenBatch): number {
  if (items < busyItems || waiting >= enoughWaiting) return 0;
  return Math.min(2 * tookMs, longestRestMs);
}
