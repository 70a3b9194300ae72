import { Redis } from 'ioredis';
import { describe, expect, it } from '@jest/globals';
import { launchRedis } from './redis.js';

describe('a Redis', () => {
  it('answers, is gone when killed, and comes back on the same port', async () => {
    await using server = await launchRedis({ password: 'secret' });
    const client = new Redis(server.url, { retryStrategy: () => 20, maxRetriesPerRequest: 0 });
    client.on('error', () => undefined);
    expect(await client.set('key', 'value')).toBe('OK');
    await server.kill();
    await expect(client.get('key')).rejects.toThrow();
    await server.restart();
    const fresh = new Redis(server.url);
    expect(await fresh.get('key')).toBeNull();
    fresh.disconnect();
    const stranger = new Redis(server.port, { maxRetriesPerRequest: 0 });
    await expect(stranger.get('key')).rejects.toThrow(/NOAUTH/);
    stranger.disconnect();
    client.disconnect();
  });
});
