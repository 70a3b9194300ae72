/** Work whose output may be taken from before: what names it. */
import type { JsonValue } from '@millrace/kernel';
import type { CompiledWorker } from '../compile/compiled-graph.js';
import { digestOf } from '../document/digest.js';
import type { Meter } from '../expression/meter.js';
import { limits } from '../limits.js';
import { wrongType } from './failure.js';
import type { Location } from './location.js';
import type { RunningRun } from './state.js';
import { resolveIn } from './variables.js';

export interface CachedWork {
  /** A digest of the kind of work and of what its output depends on. */
  readonly key: string;
  readonly ttlMs: number;
}

/** What names the work of a node; undefined for a node that is not cached. @throws MillraceError `invalid_cache_key`, or of the expression */
export function cachedWork(
  state: RunningRun,
  { frame }: Location,
  { kind, worker, cache }: CompiledWorker,
  input: JsonValue,
  meter: Meter,
): CachedWork | undefined {
  if (cache === null) return undefined;
  const work = { kind, worker: worker ?? null };
  if (cache.key === null) return { key: digestOf({ ...work, input }), ttlMs: cache.ttlMs };
  const key = resolveIn(state, frame, cache.key, meter);
  if (typeof key === 'string' && key.length > 0 && key.length <= limits.cacheKeyLength)
    return { key: digestOf({ ...work, key }), ttlMs: cache.ttlMs };
  throw wrongType('invalid_cache_key', `A cache key is a text of 1 to ${limits.cacheKeyLength} characters.`);
}
