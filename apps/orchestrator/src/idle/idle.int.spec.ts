/** Attempts whose workers fall silent, on real databases and both buses. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { envelopeOf, liveBeatsSubject, liveTaskBeat, partitionOf, toolTask } from '@millrace/contracts';
import { connectJetStream, type MessageBus } from '@millrace/messaging';
import { backendKinds, eventually, startNatsServer, type NatsServer } from '@millrace/testing';
import { startWorker } from '@millrace/worker';
import { acme, ended, start, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { restless } from '../run/graphs.fixture.js';

jest.setTimeout(120_000);

const pairs = backendKinds.map((backend, index) => [backend, index === 0 ? 'the in-process bus' : 'NATS'] as const);

describe.each(pairs)('idle attempts on %s and %s', (backend, busKind) => {
  let world: World;
  let nats: NatsServer | undefined;
  let bus: MessageBus;
  let orchestrator: Orchestrator;

  beforeAll(async () => {
    world = await World.open(backend);
    if (busKind === 'NATS') nats = await startNatsServer({ exclusive: true });
    bus = nats === undefined ? world.bus : await connectJetStream({ servers: nats.url, name: 'spec' });
    orchestrator = await world.replica('replica-1', { bus });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    if (nats !== undefined) await bus.drain({ graceMs: 0 });
    await nats?.stop();
  });

  const typesOf = async (runId: string) =>
    (await orchestrator.reader.events('acme', runId, { after: 0, limit: 100 })).events.map(({ type }) => type);

  it('are tried again when a worker that has begun is heard of no more', async () => {
    const run = await start(orchestrator, restless);
    const data = { runId: run.id, node: 'only', attempt: 1, idleMs: 200, ended: false };
    bus.notify({ subject: liveBeatsSubject(partitionOf(run.id)), envelope: envelopeOf(liveTaskBeat, acme, data) });
    const stored = await eventually(
      async () => {
        const { events } = await orchestrator.reader.events('acme', run.id, { after: 0, limit: 100 });
        return events.length >= 4 && events;
      },
      { timeoutMs: 20_000 },
    );
    expect(stored[2]).toMatchObject({ type: 'NodeRetryScheduled', data: { error: { code: 'idle_timeout' } } });
    expect(stored[3]).toMatchObject({ type: 'NodeScheduled', data: { attempt: 2 } });
    await orchestrator.runs.cancel(acme, { runId: run.id, reason: 'enough' });
  });

  it('store nothing while they get further', async () => {
    let reports = 0;
    const worker = await startWorker({
      bus,
      contract: toolTask,
      slots: 1,
      execute: async (_input, task) => {
        while (reports < 80 && !task.signal.aborted) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          task.progress();
          reports += 1;
        }
        return { output: { result: null } };
      },
    });
    const run = await start(orchestrator, restless);
    expect(await ended(orchestrator, run.id)).toMatchObject({ status: 'completed' });
    expect(reports).toBe(80);
    expect(await typesOf(run.id)).toEqual(['RunStarted', 'NodeScheduled', 'NodeCompleted', 'RunCompleted']);
    await worker.drain({ graceMs: 0 });
  });
});
