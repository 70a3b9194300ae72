/** Who waits for whom when a tenant floods the workers, over two replicas, on a real database and a real NATS. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { toolTask, type RunPriority } from '@millrace/contracts';
import { connectJetStream, type MessageBus } from '@millrace/messaging';
import { eventually, startNatsServer, type NatsServer } from '@millrace/testing';
import { startWorker, type RunningWorker } from '@millrace/worker';
import { contextOf, ended, newRunId, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { diamond, wide } from '../run/graphs.fixture.js';

jest.setTimeout(120_000);

const floodSize = 500;
const workMs = 10;

describe('workers that a tenant floods', () => {
  let world: World;
  let nats: NatsServer;
  let bus: MessageBus;
  let replicas: [Orchestrator, Orchestrator];
  let worker: RunningWorker;
  /** The runs whose tasks were begun, in that order. */
  const begun: string[] = [];
  let gate = Promise.resolve();

  beforeAll(async () => {
    world = await World.open('postgres');
    nats = await startNatsServer({ exclusive: true });
    bus = await connectJetStream({ servers: nats.url, name: 'spec' });
    const config = { leaseMs: 3_000 };
    replicas = [await world.replica('replica-1', { bus, config }), await world.replica('replica-2', { bus, config })];
    worker = await startWorker({
      bus,
      contract: toolTask,
      slots: 4,
      execute: async (_input, { runId }) => {
        await gate;
        begun.push(runId);
        // Work that is done at once would let hundreds of tasks pass between two commits of a busy machine.
        await new Promise((resolve) => setTimeout(resolve, workMs));
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
  afterEach(() => {
    gate = Promise.resolve();
  });

  /** Lets workers begin nothing until it is called. */
  function closedGate(): () => void {
    let open = (): void => undefined;
    gate = new Promise((resolve) => (open = resolve));
    return open;
  }
  async function start(tenantId: string, graph: typeof wide, priority?: RunPriority): Promise<string> {
    const runId = newRunId();
    const [replica] = begun.length % 2 === 0 ? replicas : replicas.toReversed();
    await replica?.runs.start(contextOf(tenantId), { runId, graph, input: {}, priority });
    return runId;
  }
  const completed = async (tenantId: string, runId: string) =>
    expect(await ended(replicas[0], runId, tenantId)).toMatchObject({ status: 'completed' });
  /** How many tasks of a run were begun before the last one of another. */
  const before = (flood: string, last: string) =>
    begun.slice(0, begun.lastIndexOf(last)).filter((runId) => runId === flood).length;
  const isWaiting = () => eventually(() => replicas.some(({ waitingTasks }) => waitingTasks > floodSize / 2));

  it('let the only run of another tenant through, while the flood goes on', async () => {
    const open = closedGate();
    const flood = await start('acme', wide);
    await isWaiting();
    const single = await start('other', diamond);
    open();
    await completed('other', single);
    // Four steps one after the other, each behind what is in the queue and in hand.
    expect(before(flood, single)).toBeLessThan(floodSize / 2);
    await completed('acme', flood);
    expect(begun.filter((runId) => runId === flood)).toHaveLength(floodSize);
  });

  it('let urgent runs of the tenant overtake the flood, and a flood of urgent ones no run wait for ever', async () => {
    const open = closedGate();
    const slow = await start('acme', wide, 'low');
    await isWaiting();
    const urgent = await start('acme', diamond, 'high');
    open();
    await completed('acme', urgent);
    expect(before(slow, urgent)).toBeLessThan(floodSize / 2);
    await completed('acme', slow);

    const openAgain = closedGate();
    const many = await start('acme', wide, 'high');
    await isWaiting();
    const patient = await start('acme', diamond, 'low');
    openAgain();
    await completed('acme', patient);
    expect(before(many, patient)).toBeLessThan(floodSize);
    await completed('acme', many);
  });

  it('do all of a flood whose orchestrator is stopped in the middle of it', async () => {
    const third = await world.replica('replica-3', { bus, config: { leaseMs: 3_000 } });
    const open = closedGate();
    const runs = await Promise.all(
      ['acme', 'other'].map(async (tenant) => [tenant, await start(tenant, wide)] as const),
    );
    await isWaiting();
    open();
    await replicas[1].stop();
    for (const [tenant, runId] of runs) {
      await completed(tenant, runId);
      expect(begun.filter((id) => id === runId).length).toBeGreaterThanOrEqual(floodSize);
    }
    expect(third.waitingTasks + replicas[0].waitingTasks).toBe(0);
  });
});
