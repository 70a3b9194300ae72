/** Effects that must not happen twice, and those that are taken back, on real databases and both buses. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { envelopeOf, partitionOf, resultSubject, taskBegin, toolTask } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { connectJetStream, type MessageBus } from '@millrace/messaging';
import { backendKinds, eventually, startNatsServer, type NatsServer } from '@millrace/testing';
import { startWorker, type RunningWorker } from '@millrace/worker';
import { acme, ended, start, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { booking, posting } from './graphs.fixture.js';

jest.setTimeout(120_000);

const pairs = backendKinds.map((backend, index) => [backend, index === 0 ? 'the in-process bus' : 'NATS'] as const);

describe.each(pairs)('effects on %s and %s', (backend, busKind) => {
  let world: World;
  let nats: NatsServer | undefined;
  let bus: MessageBus;
  let orchestrator: Orchestrator;
  let worker: RunningWorker;
  const calls: string[] = [];

  beforeAll(async () => {
    world = await World.open(backend);
    if (busKind === 'NATS') nats = await startNatsServer({ exclusive: true });
    bus = nats === undefined ? world.bus : await connectJetStream({ servers: nats.url, name: 'spec' });
    orchestrator = await world.replica('replica-1', { bus });
    worker = await startWorker({
      bus,
      contract: toolTask,
      slots: 4,
      execute: ({ tool, arguments: given }, { node, runId, idempotencyKey = 'none' }) => {
        calls.push([runId, node, tool, idempotencyKey].join(' '));
        if (tool === 'unsure') throw new MillraceError('unavailable', 'connection_lost', 'It broke.');
        if (tool === 'refuse') throw new MillraceError('invalid', 'refused', 'No.');
        return Promise.resolve({ output: { result: given } });
      },
    });
  });
  afterAll(async () => {
    await worker.drain({ graceMs: 0 });
    await world[Symbol.asyncDispose]();
    if (nats !== undefined) await bus.drain({ graceMs: 0 });
    await nats?.stop();
  });

  const callsOf = (runId: string) =>
    calls.filter((call) => call.startsWith(runId)).map((call) => call.split(' ').slice(1));

  it('of which nobody knows are done once, and wait for somebody who finds out', async () => {
    const run = await start(orchestrator, posting);
    const [asked] = await eventually(async () => {
      const items = await orchestrator.approvals.list('acme', { runId: run.id }, null, 10);
      return items.length > 0 && items;
    });
    expect(asked).toMatchObject({ node: 'post', status: 'pending', assignees: ['role:editor'] });
    const again = { taskId: 't', runId: run.id, node: 'post', attempt: 1, claim: 'other' };
    const subject = resultSubject(partitionOf(run.id));
    expect(await bus.request({ subject, envelope: envelopeOf(taskBegin, acme, again) })).toEqual({ granted: false });
    await orchestrator.stop();
    orchestrator = await world.replica('replica-2', { bus, config: { reconcileAfterMs: 100 } });
    const decision = { runId: run.id, node: 'post', decision: 'approve', data: { output: { result: 7 } } } as const;
    await orchestrator.runs.decide(acme, { ...decision, by: { keyId: 'k', role: 'editor' } });
    expect(await ended(orchestrator, run.id)).toMatchObject({ status: 'completed', output: { result: 7 } });
    expect(callsOf(run.id)).toEqual([['post', 'unsure', 'none']]);
  });

  it('are taken back, the last one first, when a run fails', async () => {
    const run = await start(orchestrator, booking);
    expect(await ended(orchestrator, run.id)).toMatchObject({
      status: 'failed',
      error: { code: 'refused', node: 'pay' },
    });
    expect(callsOf(run.id)).toEqual([
      ['flight', 'echo', `flight-${run.id}`],
      ['hotel', 'echo', `hotel-${run.id}`],
      ['pay', 'refuse', 'none'],
      ['hotel~compensate', 'echo', `${run.id}:hotel~compensate`],
      ['flight~compensate', 'echo', `${run.id}:flight~compensate`],
    ]);
  });
});
