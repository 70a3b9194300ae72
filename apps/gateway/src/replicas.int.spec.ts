import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Run } from '@millrace/contracts';
import { createInProcessBus } from '@millrace/messaging';
import { eventually, type RedisServer, startRedis, testBackend } from '@millrace/testing';
import { TestGateway } from './gateway.fixture.js';
import { ScriptedOrchestrator } from './orchestrator.fixture.js';
import { migrations } from './schema/migrations.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis({ exclusive: true });
});
afterAll(async () => {
  await redis.stop();
});

describe('two replicas', () => {
  it('forget a revoked key, and go on when Redis is gone', async () => {
    await using backend = await testBackend('postgres', [{ service: 'gateway', migrations }]);
    const environment = { MILLRACE_REDIS_URL: redis.url };
    await using one = await TestGateway.start({ backend, environment });
    await using other = await TestGateway.start({ backend, environment });
    const { id, secret } = one.keys.viewer;
    const admin = one.keys.admin.secret;
    const status = async (gateway: TestGateway) => (await gateway.call('/v1/graphs', { key: secret })).status;
    // Nobody answers for graphs here: whoever gets past the door hears 503.
    expect([await status(one), await status(other)]).toEqual([503, 503]);
    expect((await one.call(`/v1/keys/${id}`, { method: 'DELETE', key: admin })).status).toBe(200);
    expect(await status(one)).toBe(401);
    await eventually(async () => (await status(other)) === 401, { timeoutMs: 20_000 });
    await redis.kill();
    expect((await one.call('/v1/keys', { key: admin })).status).toBe(200);
    expect((await other.call('/v1/keys', { key: other.keys.admin.secret })).status).toBe(200);
  });
});

describe('a replica that drains', () => {
  it('ends its streams at once, and the reader goes on elsewhere', async () => {
    const bus = createInProcessBus();
    const backend = await testBackend('pglite', [{ service: 'gateway', migrations }]);
    const one = await TestGateway.start({ bus, backend });
    await using other = await TestGateway.start({ bus, backend });
    const orchestrator = await new ScriptedOrchestrator(bus).listen();
    const started = await one.call('/v1/runs', { body: { graph: 'content' } });
    const { id } = (await started.json()) as Run;
    const stream = await one.call(`/v1/runs/${id}/stream`);
    const read = stream.text();
    await one.service.drain({ graceMs: 10_000 });
    expect(await read).toContain('event: RunStarted');
    orchestrator.commit(id, [['RunCompleted', { output: null }]]);
    const rest = await other.call(`/v1/runs/${id}/stream`, { headers: { 'last-event-id': '1.0' } });
    const text = await rest.text();
    expect(text).not.toContain('event: RunStarted');
    expect(text).toContain('event: RunCompleted');
    await other.service.drain({ graceMs: 1_000 });
    await bus.drain({ graceMs: 1_000 });
    await backend.close();
  });
});
