/**
 * Readings that must be asked for: of a database, of NATS. They are taken when somebody scrapes, at most once per interval however
 * often that is, one at a time, and a scrape waits for them no longer than the timeout. A source that fails gives nothing until
 * it answers again, and is counted.
 */
import { beforeScrapes } from './exposition.js';

export interface SampledSource<Value> {
  /** Milliseconds between two samples at least. */
  readonly everyMs: number;
  /** How long a scrape waits for it, in milliseconds. */
  readonly timeoutMs: number;
  readonly take: () => Promise<Value>;
  readonly onFailure: (error: unknown) => void;
}

export interface Sampled<Value> {
  /** What the last sample gave; undefined before the first, and where the last one failed. */
  readonly latest: () => Value | undefined;
  readonly stop: () => void;
}

/** Samples a source with the scrapes that follow. */
export function sampleAtScrapes<Value>(source: SampledSource<Value>): Sampled<Value> {
  let latest: Value | undefined;
  let takenAt = -Infinity;
  let running = false;
  let waiting: Promise<void> | undefined;

  const take = async (): Promise<void> => {
    running = true;
    const taken = source.take().finally(() => (running = false));
    try {
      latest = await within(taken, source.timeoutMs);
    } catch (error) {
      latest = undefined;
      source.onFailure(error);
    }
  };
  const stop = beforeScrapes(() => {
    if (!running && waiting === undefined && performance.now() - takenAt >= source.everyMs) {
      takenAt = performance.now();
      waiting = take().finally(() => (waiting = undefined));
    }
    return waiting;
  });
  return { latest: () => latest, stop };
}

async function within<Value>(work: Promise<Value>, timeoutMs: number): Promise<Value> {
  const { promise: timedOut, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`The sample took longer than ${timeoutMs} ms.`)), timeoutMs);
  try {
    return await Promise.race([work, timedOut]);
  } finally {
    clearTimeout(timer);
  }
}
