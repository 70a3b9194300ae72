/** Keys that runs share, over several replicas, on real databases and both buses. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { toolTask } from '@millrace/contracts';
import { connectJetStream, type MessageBus } from '@millrace/messaging';
import { backendKinds, eventually, startNatsServer, type NatsServer } from '@millrace/testing';
import { startWorker, type RunningWorker } from '@millrace/worker';
import { contextOf, ended, newRunId, start, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { sharing } from '../run/graphs.fixture.js';

jest.setTimeout(120_000);

const pairs = backendKinds.map((backend, index) => [backend, index === 0 ? 'the in-process bus' : 'NATS'] as const);

describe.each(pairs)('shared keys on %s and %s', (backend, busKind) => {
  let world: World;
  let nats: NatsServer | undefined;
  let bus: MessageBus;
  let replicas: Orchestrator[];
  let worker: RunningWorker;
  const working = new Map<string, string>();
  /** A cancelled run gives its keys back at once, and its worker stops a little later; so what such a run still does is not counted. */
  const cancelled = new Set<string>();
  let most = 0;
  let fails = false;

  beforeAll(async () => {
    world = await World.open(backend);
    if (busKind === 'NATS') nats = await startNatsServer({ exclusive: true });
    bus = nats === undefined ? world.bus : await connectJetStream({ servers: nats.url, name: 'spec' });
    const config = { leaseMs: 3_000 };
    replicas = [await world.replica('replica-1', { bus, config }), await world.replica('replica-2', { bus, config })];
    worker = await startWorker({
      bus,
      contract: toolTask,
      slots: 50,
      execute: async (_input, { tenantId, runId, signal }) => {
        working.set(runId, tenantId);
        const together = [...working].filter(([run, tenant]) => tenant === tenantId && !cancelled.has(run));
        most = Math.max(most, together.length);
        await new Promise((resolve) => setTimeout(resolve, 15));
        working.delete(runId);
        signal.throwIfAborted();
        if (fails) throw new Error('It broke.');
        return { output: { result: null } };
      },
    });
  });
  afterAll(async () => {
    await worker.drain({ graceMs: 0 });
    await world[Symbol.asyncDispose]();
    if (nats !== undefined) await bus.drain({ graceMs: 0 });
    await nats?.stop();
  });

  beforeEach(() => {
    most = 0;
    fails = false;
  });

  const left = async () =>
    await world.database.asService((transaction) => transaction.selectFrom('slot_request').selectAll().execute());
  const finish = async (tenantId: string, ids: readonly string[]) => {
    const [one] = replicas;
    if (one === undefined) throw new Error('No replica.');
    // One after the other: PGlite has one session, and asking for all at once would take it from the runs.
    const runs = [];
    for (const id of ids) runs.push(await ended(one, id, tenantId));
    return runs;
  };
  const startMany = async (tenantId: string, count: number) => {
    const ids = Array.from({ length: count }, () => newRunId());
    await Promise.all(
      ids.map((id, index) => start(replicas[index % 2] ?? replicas[0]!, sharing, id, contextOf(tenantId))),
    );
    return ids;
  };

  it('are never held by more than their limit, and are all given back', async () => {
    const [acme, other] = await Promise.all([startMany('acme', 20), startMany('other', 20)]);
    const runs = [...(await finish('acme', acme)), ...(await finish('other', other))];
    expect(runs.map(({ status }) => status)).toEqual(runs.map(() => 'completed'));
    expect(most).toBe(2);
    expect(await left()).toEqual([]);
  });

  it('are given back by runs that fail or are cancelled, waiting or working', async () => {
    fails = true;
    const ids = await startMany('acme', 10);
    const [one] = replicas;
    for (const runId of ids.slice(0, 5)) {
      cancelled.add(runId);
      await one?.runs.cancel(contextOf('acme'), { runId, reason: 'enough' });
    }
    await finish('acme', ids);
    expect(await left()).toEqual([]);
    expect(most).toBe(2);
  });

  it('outlive the death of a replica that holds some', async () => {
    const ids = await startMany('acme', 12);
    await eventually(async () => (await left()).some(({ granted_at: at }) => at !== null));
    await replicas[1]?.stop();
    expect((await finish('acme', ids)).every(({ status }) => status === 'completed')).toBe(true);
    expect(await left()).toEqual([]);
    expect(most).toBe(2);
  });
});
