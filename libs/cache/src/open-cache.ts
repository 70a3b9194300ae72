import { BentoCache, bentostore, errors } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisDriver } from 'bentocache/drivers/redis';
import { cacheRequests } from '@millrace/telemetry';
import { Redis } from 'ioredis';
import type { Cache, CacheKey } from './cache.js';

export interface CacheOptions {
  /** What metrics call it, and where its keys stand in Redis, `millrace:<name>:`; without a name it is not measured. */
  readonly name?: Parameters<typeof cacheRequests.at>[0]['millrace.cache'];
  /** Where values are shared between processes, e.g. `redis://127.0.0.1:6379`. Absent: memory only. */
  readonly redisUrl?: string;
  /** Values kept in this process's memory; the least recently used go first. */
  readonly maxEntries?: number;
  /** Told when Redis fails, at most once per outage of a connection attempt; the cache itself goes on without it. */
  readonly onError?: (error: Error) => void;
}

/** Longer than any answer of a healthy Redis, shorter than a caller's patience. */
const commandTimeoutMs = 250;
/** After a failure, Redis is left alone for so long: one slow request per pause, not each. */
const circuitBreakerMs = 2_000;
const connectTimeoutMs = 1_000;

/**
 * Opens a cache: memory first, then Redis where it is configured. Resolves whether or not Redis answers, because
 * everything must work without it.
 */
export async function openCache(options: CacheOptions = {}): Promise<Cache> {
  const redis = options.redisUrl === undefined ? undefined : await connectRedis(options.redisUrl, options.onError);
  const memory = memoryDriver({ maxItems: options.maxEntries ?? 10_000, serialize: true });
  const store = bentostore().useL1Layer(memory);
  if (redis) store.useL2Layer(redisDriver({ connection: redis }));
  const bento = new BentoCache({
    default: 'tiered',
    stores: { tiered: store },
    // A user of Redis can be bound to the keys of one cache.
    prefix: options.name === undefined ? 'millrace' : `millrace:${options.name}`,
    grace: false,
    suppressL2Errors: true,
    l2CircuitBreakerDuration: circuitBreakerMs,
  });
  const count = counterOf(options.name);
  return {
    async getOrLoad(key, ttlMs, load) {
      let result: 'hit' | 'miss' = 'hit';
      const factory = () => {
        result = 'miss';
        return load();
      };
      try {
        const value = await bento.getOrSet({ key: textOf(key), ttl: ttlMs, factory });
        count(result);
        return value;
      } catch (error) {
        throw error instanceof errors.E_FACTORY_ERROR ? error.cause : error;
      }
    },
    async delete(key) {
      await bento.delete({ key: textOf(key) });
    },
    async close() {
      redis?.disconnect();
      await bento.disconnect();
    },
  };
}

function counterOf(name: CacheOptions['name']): (result: 'hit' | 'miss') => void {
  if (name === undefined) return () => undefined;
  const cells = {
    hit: cacheRequests.at({ 'millrace.cache': name, 'millrace.result': 'hit' }),
    miss: cacheRequests.at({ 'millrace.cache': name, 'millrace.result': 'miss' }),
  };
  return (result) => cells[result].add(1);
}

/** The tenant's id has no colon, so that no name can reach into another tenant's keys. */
const textOf = ({ tenantId, name }: CacheKey): string => `${encodeURIComponent(tenantId)}:${name}`;

async function connectRedis(url: string, onError: (error: Error) => void = () => undefined): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    // A command that cannot be sent now fails now: the value is loaded instead, nothing queues up.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(100 * 2 ** attempt, 5_000),
  });
  redis.on('error', onError);
  await redis.connect().catch(onError);
  return redis;
}
