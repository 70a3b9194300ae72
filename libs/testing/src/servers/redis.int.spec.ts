import { Redis } from 'ioredis';
import { describe, expect, it } from '@jest/globals';
import { startRedis } from './redis.js';

describe('startRedis', () => {
  it('answers, is gone when killed, and comes back on the same port', async () => {
    await using server = await startRedis({ exclusive: true });
    const client = new Redis(server.url, { retryStrategy: () => 20, maxRetriesPerRequest: 0 });
    client.on('error', () => undefined);
    expect(await client.set('key', 'value')).toBe('OK');
    await server.kill();
    await expect(client.get('key')).rejects.toThrow();
    await server.restart();
    const fresh = new Redis(server.url);
    expect(await fresh.get('key')).toBeNull();
    fresh.disconnect();
    client.disconnect();
  });
});
