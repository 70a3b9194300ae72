/** Runs that wait for events, while replicas and the server of NATS come and go. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { customEventSubject, envelopeOf, headersOfAttributes, type MessageContext } from '@millrace/contracts';
import { newId, type JsonObject } from '@millrace/kernel';
import { connectJetStream, type MessageBus } from '@millrace/messaging';
import { backendKinds, eventually, startNatsServer, type NatsServer } from '@millrace/testing';
import { acme, contextOf, ended, newRunId, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { expectant } from '../run/graphs.fixture.js';

jest.setTimeout(60_000);

async function publish(bus: MessageBus, data: JsonObject, context: MessageContext = acme, type = 'order.paid.v1') {
  const { tenantId } = context;
  const id = newId('evt');
  const envelope = envelopeOf({ name: type, version: 1 }, context, data, { id });
  const attributes = { specversion: '1.0', id, source: '/shop', type, time: envelope.occurredAt };
  const headers = headersOfAttributes({
    ...attributes,
    ...{ datacontenttype: 'application/json', tenantid: tenantId, correlationid: context.correlationId },
  });
  await bus.publish({ subject: customEventSubject(tenantId, type), envelope, headers });
}

const expecting = (orchestrator: Orchestrator, order: string, context = acme) =>
  orchestrator.runs.start(context, { runId: newRunId(), graph: expectant, input: { order } });

describe.each(backendKinds)('waiting for events on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;

  beforeAll(async () => {
    world = await World.open(backend);
    orchestrator = await world.replica('replica-1', { config: { leaseMs: 3_000 } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const waits = () =>
    world.database.asService((transaction) => transaction.selectFrom('event_wait').selectAll().execute());

  it('completes every run whose filter the event passes, and no other', async () => {
    await publish(world.bus, { order: 'A', amount: 0 });
    const [first, second, other] = [
      await expecting(orchestrator, 'A'),
      await expecting(orchestrator, 'A'),
      await expecting(orchestrator, 'B'),
    ];
    expect(first.steps).toMatchObject([{ status: 'waiting' }]);
    await publish(world.bus, { order: 'C' });
    await publish(world.bus, { order: 'A', amount: 12 }, acme, 'order.placed.v1');
    await publish(world.bus, { order: 'A', amount: 12 });
    for (const { id } of [first, second])
      expect(await ended(orchestrator, id)).toMatchObject({ status: 'completed', output: { order: 'A', amount: 12 } });
    expect(await orchestrator.reader.get('acme', other.id)).toMatchObject({ status: 'running' });
    expect((await waits()).map(({ run_id: id }) => id)).toEqual([other.id]);
    await orchestrator.runs.cancel(acme, { runId: other.id, reason: 'enough' });
    expect(await waits()).toEqual([]);
  });

  it('shows a run no event of another tenant', async () => {
    const stranger = contextOf('other');
    const [ours, theirs] = [await expecting(orchestrator, 'T'), await expecting(orchestrator, 'T', stranger)];
    await publish(world.bus, { order: 'T', of: 'other' }, stranger);
    expect(await ended(orchestrator, theirs.id, 'other')).toMatchObject({ output: { of: 'other' } });
    await publish(world.bus, { order: 'T', of: 'acme' });
    expect(await ended(orchestrator, ours.id)).toMatchObject({ output: { of: 'acme' } });
  });

  it('takes what was published while no replica was there', async () => {
    const run = await expecting(orchestrator, 'D');
    await orchestrator.stop();
    await publish(world.bus, { order: 'D', amount: 3 });
    orchestrator = await world.replica('replica-2', { config: { leaseMs: 3_000 } });
    expect(await ended(orchestrator, run.id)).toMatchObject({ status: 'completed', output: { amount: 3 } });
  });

  it('waits again after a retry, for an event of then', async () => {
    const run = await expecting(orchestrator, 'E');
    await publish(world.bus, { order: 'E', turn: 1 });
    await ended(orchestrator, run.id);
    const retried = await orchestrator.runs.retry(acme, { runId: run.id, id: 'again', from: 'paid' });
    expect(retried).toMatchObject({ status: 'running' });
    await publish(world.bus, { order: 'E', turn: 2 });
    expect(await ended(orchestrator, run.id)).toMatchObject({ output: { turn: 2 } });
  });

  it('loses none of many that wait on one subject while events rain', async () => {
    const runs = Array.from({ length: 40 }, (_value, index) => `many-${index}`);
    const ids: string[] = [];
    for (const order of runs) {
      ids.push((await expecting(orchestrator, order)).id);
      await publish(world.bus, { order });
    }
    for (const id of ids) expect(await ended(orchestrator, id)).toMatchObject({ status: 'completed' });
    await eventually(async () => (await waits()).length === 0);
  });
});

describe('waiting for events over NATS', () => {
  let nats: NatsServer;
  let bus: MessageBus;
  let world: World;

  beforeAll(async () => {
    nats = await startNatsServer();
    bus = await connectJetStream({ servers: nats.url, name: 'orchestrator' });
    world = await World.open('postgres');
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await bus.drain({ graceMs: 500 });
    await nats[Symbol.asyncDispose]();
  });

  it('misses nothing that is published after the wait began, with no replica there', async () => {
    await publish(bus, { order: 'N', turn: 0 });
    const first = await world.replica('replica-1', { bus });
    const run = await expecting(first, 'N');
    await first.stop();
    await publish(bus, { order: 'N', turn: 1 });
    const second = await world.replica('replica-2', { bus });
    expect(await ended(second, run.id)).toMatchObject({ status: 'completed', output: { turn: 1 } });
    const live = await expecting(second, 'L');
    await publish(bus, { order: 'L', turn: 2 });
    expect(await ended(second, live.id)).toMatchObject({ output: { turn: 2 } });
  });
});
