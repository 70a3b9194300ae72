import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import { deferred, eventually, type RedisServer, startRedis } from '@millrace/testing';
import { Redis } from 'ioredis';
import { type Cache, openCache } from './index.js';

let server: RedisServer;
const opened: Cache[] = [];

beforeAll(async () => {
  server = await startRedis();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((cache) => cache.close()));
});
afterAll(async () => {
  await server.stop();
});

async function open(redisUrl?: string): Promise<Cache> {
  const cache = await openCache({ redisUrl });
  opened.push(cache);
  return cache;
}

let keys = 0;
const freshKey = (tenantId = 'acme') => ({ tenantId, name: `value-${(keys += 1)}` });
const minute = 60_000;

describe.each([
  ['memory', () => open()],
  ['memory and Redis', () => open(server.url)],
])('a cache in %s', (_, openOne) => {
  it('loads once and remembers', async () => {
    const cache = await openOne();
    const key = freshKey();
    let loads = 0;
    const load = () => Promise.resolve({ loads: (loads += 1) });
    expect(await cache.getOrLoad(key, minute, load)).toEqual({ loads: 1 });
    expect(await cache.getOrLoad(key, minute, load)).toEqual({ loads: 1 });
  });

  it.each([[null], [false], [0], [''], [[]], [{ nested: [1, null, 'ü'] }]])(
    'gives back %j as it was',
    async (value) => {
      const cache = await openOne();
      const key = freshKey();
      await cache.getOrLoad(key, minute, () => Promise.resolve(value));
      expect(await cache.getOrLoad(key, minute, () => Promise.reject(new Error('loaded again')))).toEqual(value);
    },
  );

  it('runs one load for a stampede', async () => {
    const cache = await openOne();
    const key = freshKey();
    const gate = deferred<string>();
    let loads = 0;
    const load = () => {
      loads += 1;
      return gate.promise;
    };
    const waiting = Array.from({ length: 100 }, () => cache.getOrLoad(key, minute, load));
    gate.resolve('one');
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['one']));
    expect(loads).toBe(1);
  });

  it('passes on what a load throws, and does not remember it', async () => {
    const cache = await openOne();
    const key = freshKey();
    const refusal = new MillraceError('not-found', 'unknown_thing', 'There is no such thing.');
    await expect(cache.getOrLoad(key, minute, () => Promise.reject(refusal))).rejects.toBe(refusal);
    expect(await cache.getOrLoad(key, minute, () => Promise.resolve('there'))).toBe('there');
  });

  it('forgets what was deleted', async () => {
    const cache = await openOne();
    const key = freshKey();
    await cache.getOrLoad(key, minute, () => Promise.resolve('old'));
    await cache.delete(key);
    expect(await cache.getOrLoad(key, minute, () => Promise.resolve('new'))).toBe('new');
  });

  it('forgets what is too old', async () => {
    const cache = await openOne();
    const key = freshKey();
    await cache.getOrLoad(key, 20, () => Promise.resolve('old'));
    await eventually(async () => {
      expect(await cache.getOrLoad(key, 20, () => Promise.resolve('new'))).toBe('new');
    });
  });

  it('keeps tenants apart, whatever their names hold', async () => {
    const cache = await openOne();
    const { name } = freshKey();
    await cache.getOrLoad({ tenantId: 'a', name: `b:${name}` }, minute, () => Promise.resolve('of a'));
    expect(await cache.getOrLoad({ tenantId: 'a:b', name }, minute, () => Promise.resolve('of a:b'))).toBe('of a:b');
    expect(await cache.getOrLoad({ tenantId: 'b', name }, minute, () => Promise.resolve('of b'))).toBe('of b');
  });
});

describe('a cache in Redis', () => {
  it('shares values between processes', async () => {
    const [one, other] = [await open(server.url), await open(server.url)];
    const key = freshKey();
    await one.getOrLoad(key, minute, () => Promise.resolve('shared'));
    expect(await other.getOrLoad(key, minute, () => Promise.reject(new Error('loaded again')))).toBe('shared');
  });

  it('loads anew where Redis holds nonsense', async () => {
    const writer = await open(server.url);
    const key = freshKey();
    await writer.getOrLoad(key, minute, () => Promise.resolve('sense'));
    const redis = new Redis(server.url);
    try {
      const [stored] = await redis.keys(`*${key.name}`);
      expect(stored).toBeDefined();
      await redis.set(stored ?? '', '{"value": not json');
    } finally {
      redis.disconnect();
    }
    const reader = await open(server.url);
    expect(await reader.getOrLoad(key, minute, () => Promise.resolve('again'))).toBe('again');
  });
});

describe('with Redis gone', () => {
  it('everything is right, only loaded more often, and Redis is used again when it is back', async () => {
    await using own = await startRedis({ exclusive: true });
    const [cache, other] = [await open(own.url), await open(own.url)];
    const key = freshKey();
    await cache.getOrLoad(key, minute, () => Promise.resolve('before'));
    await own.kill();
    expect(await cache.getOrLoad(key, minute, () => Promise.resolve('unused'))).toBe('before');
    expect(await other.getOrLoad(key, minute, () => Promise.resolve('loaded'))).toBe('loaded');
    await cache.delete(key);
    expect(await cache.getOrLoad(key, minute, () => Promise.resolve('after'))).toBe('after');
    await own.restart();
    await eventually(
      async () => {
        const fresh = freshKey();
        await cache.getOrLoad(fresh, minute, () => Promise.resolve('shared again'));
        expect(await other.getOrLoad(fresh, minute, () => Promise.resolve('not shared'))).toBe('shared again');
      },
      { timeoutMs: 30_000 },
    );
  });

  it('opens and works when Redis was never there', async () => {
    const seen: Error[] = [];
    const cache = await openCache({ redisUrl: 'redis://127.0.0.1:1', onError: (error) => seen.push(error) });
    opened.push(cache);
    expect(await cache.getOrLoad(freshKey(), minute, () => Promise.resolve('loaded'))).toBe('loaded');
    expect(seen.length).toBeGreaterThan(0);
  });

  it('does not hang on a Redis that accepts and says nothing', async () => {
    await using own = await startRedis({ exclusive: true });
    const cache = await open(own.url);
    await own.kill('SIGSTOP');
    try {
      expect(await cache.getOrLoad(freshKey(), minute, () => Promise.resolve('loaded'))).toBe('loaded');
      await cache.delete(freshKey());
    } finally {
      await own.kill('SIGCONT');
    }
  });
});

describe('a user of Redis for each cache', () => {
  /** As the deployments give them. */
  const rights = ['resetchannels', '+@read', '+@write', '+@connection', '-@dangerous', '+info'];
  const names = ['api-keys', 'model-answers'] as const;
  const urlOf = (user: string): string => server.url.replace('redis://', `redis://${user}:secret@`);
  beforeAll(async () => {
    const admin = new Redis(server.url);
    for (const name of names) await admin.acl('SETUSER', name, 'on', '>secret', `~millrace:${name}:*`, ...rights);
    admin.disconnect();
  });

  it.each(names)('is enough for the cache %s, and shares it between processes', async (name) => {
    const problems: Error[] = [];
    const openOne = async (): Promise<Cache> => {
      const cache = await openCache({ name, redisUrl: urlOf(name), onError: (error) => problems.push(error) });
      opened.push(cache);
      return cache;
    };
    const [one, other, key] = [await openOne(), await openOne(), freshKey()];
    await one.getOrLoad(key, minute, () => Promise.resolve('a value'));
    expect(await other.getOrLoad(key, minute, () => Promise.reject(new Error('loaded again')))).toBe('a value');
    await other.delete(key);
    expect(await (await openOne()).getOrLoad(key, minute, () => Promise.resolve('another'))).toBe('another');
    expect(problems).toEqual([]);
  });

  it('reaches no other cache, and nothing that concerns the whole server', async () => {
    const redis = new Redis(urlOf('model-answers'));
    await expect(redis.set('millrace:api-keys:acme:x', '1')).rejects.toThrow('NOPERM');
    await expect(redis.get('millrace:api-keys:acme:x')).rejects.toThrow('NOPERM');
    await expect(redis.flushall()).rejects.toThrow('NOPERM');
    await expect(redis.keys('*')).rejects.toThrow('NOPERM');
    await expect(redis.config('GET', '*')).rejects.toThrow('NOPERM');
    redis.disconnect();
  });
});
