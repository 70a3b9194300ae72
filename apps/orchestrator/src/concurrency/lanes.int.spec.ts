/** Sequential lanes over several replicas, on a real database and a real bus. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { toolTask } from '@millrace/contracts';
import { connectJetStream, type MessageBus } from '@millrace/messaging';
import { startNatsServer, type NatsServer } from '@millrace/testing';
import { startWorker, type RunningWorker } from '@millrace/worker';
import { contextOf, ended, newRunId, start, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { sequential } from '../run/graphs.fixture.js';

jest.setTimeout(120_000);

describe('a sequential lane', () => {
  let world: World;
  let nats: NatsServer;
  let bus: MessageBus;
  let replicas: [Orchestrator, Orchestrator];
  let worker: RunningWorker;
  const working = new Map<string, string>();
  const begun: string[] = [];
  let mostOfOneTenant = 0;
  let mostAtAll = 0;

  beforeAll(async () => {
    world = await World.open('postgres');
    nats = await startNatsServer({ exclusive: true });
    bus = await connectJetStream({ servers: nats.url, name: 'spec' });
    const config = { leaseMs: 3_000 };
    replicas = [await world.replica('replica-1', { bus, config }), await world.replica('replica-2', { bus, config })];
    worker = await startWorker({
      bus,
      contract: toolTask,
      slots: 50,
      execute: async (_input, { tenantId, runId }) => {
        working.set(runId, tenantId);
        begun.push(runId);
        mostAtAll = Math.max(mostAtAll, working.size);
        const sameTenant = [...working.values()].filter((tenant) => tenant === tenantId);
        mostOfOneTenant = Math.max(mostOfOneTenant, sameTenant.length);
        await new Promise((resolve) => setTimeout(resolve, 10));
        working.delete(runId);
        return { output: { result: null } };
      },
    });
  });
  afterAll(async () => {
    await worker.drain({ graceMs: 0 });
    await world[Symbol.asyncDispose]();
    await bus.drain({ graceMs: 0 });
    await nats.stop();
  });

  it("lets a tenant's tasks for one target through one at a time, in the order of asking; tenants have lanes of their own", async () => {
    const ids: string[] = [];
    for (let count = 0; count < 12; count += 1) {
      const [runId, foreign] = [newRunId(), newRunId()];
      const replica = replicas[count % 2 === 0 ? 0 : 1];
      await start(replica, sequential, runId, contextOf('acme'));
      await start(replica, sequential, foreign, contextOf('other'));
      ids.push(runId, foreign);
    }
    for (const [index, id] of ids.entries()) {
      expect(await ended(replicas[0], id, index % 2 === 0 ? 'acme' : 'other')).toMatchObject({ status: 'completed' });
    }
    expect(mostOfOneTenant).toBe(1);
    expect(mostAtAll).toBe(2);
    const ofAcme = ids.filter((_, index) => index % 2 === 0);
    expect(begun.filter((id) => ofAcme.includes(id))).toEqual(ofAcme);
  });
});
