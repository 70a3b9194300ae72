/** Work whose output is taken from before, on real databases and both buses. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { toolTask, type Run } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { connectJetStream, type MessageBus } from '@millrace/messaging';
import { backendKinds, eventually, startNatsServer, type NatsServer } from '@millrace/testing';
import { startWorker, type RunningWorker } from '@millrace/worker';
import { contextOf, ended, newRunId, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { thrifty } from '../run/graphs.fixture.js';

jest.setTimeout(120_000);

const pairs = backendKinds.map((backend, index) => [backend, index === 0 ? 'the in-process bus' : 'NATS'] as const);

describe.each(pairs)('outputs from before on %s and %s', (backend, busKind) => {
  let world: World;
  let nats: NatsServer | undefined;
  let bus: MessageBus;
  let orchestrator: Orchestrator;
  let worker: RunningWorker;
  let calls = 0;

  beforeAll(async () => {
    world = await World.open(backend);
    if (busKind === 'NATS') nats = await startNatsServer({ exclusive: true });
    bus = nats === undefined ? world.bus : await connectJetStream({ servers: nats.url, name: 'spec' });
    orchestrator = await world.replica('replica-1', { bus });
    const execute = () => Promise.resolve({ output: { result: (calls += 1) }, usage: { ...nothing, costUsd: 1 } });
    worker = await startWorker({ bus, contract: toolTask, slots: 4, execute });
  });
  afterAll(async () => {
    await worker.drain({ graceMs: 0 });
    await world[Symbol.asyncDispose]();
    if (nats !== undefined) await bus.drain({ graceMs: 0 });
    await nats?.stop();
  });
  const nothing = { promptTokens: 0, completionTokens: 0, costUsd: 0 };

  const kept = () =>
    world.database.asService((transaction) => transaction.selectFrom('cached_output').selectAll().execute());
  async function runOf(input: JsonObject, tenantId = 'acme'): Promise<Run> {
    const runId = newRunId();
    const before = (await kept()).length;
    const called = calls;
    await orchestrator.runs.start(contextOf(tenantId), { runId, graph: thrifty, input });
    const run = await ended(orchestrator, runId, tenantId);
    if (calls > called) await eventually(async () => (await kept()).length > before);
    return run;
  }

  it('stand in for the same work in later runs, which it costs nothing', async () => {
    const first = await runOf({ of: 'a' });
    expect(first).toMatchObject({ status: 'completed', output: { result: 1 }, usage: { costUsd: 1 } });
    expect(await runOf({ of: 'a' })).toMatchObject({ output: { result: 1 }, usage: { costUsd: 0 } });
    expect(calls).toBe(1);
  });

  it('are those of the same key, and of the same tenant', async () => {
    expect(await runOf({ of: 'b' })).toMatchObject({ output: { result: 2 } });
    expect(await runOf({ of: 'a' }, 'other')).toMatchObject({ output: { result: 3 } });
    expect(calls).toBe(3);
  });

  it('count no more when they have expired, and are removed by and by', async () => {
    await world.database.asService((transaction) =>
      transaction
        .updateTable('cached_output')
        .set({ expires_at: new Date(0) })
        .execute(),
    );
    const run = await orchestrator.runs.start(contextOf('acme'), {
      runId: newRunId(),
      graph: thrifty,
      input: { of: 'a' },
    });
    expect(await ended(orchestrator, run.id)).toMatchObject({ output: { result: 4 } });
    await eventually(async () => (await kept()).length === 1);
  });
});
