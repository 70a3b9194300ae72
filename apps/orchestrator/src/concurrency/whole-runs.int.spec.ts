/** Keys that whole runs hold, over several replicas, on real databases and both buses. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { connectJetStream, type MessageBus } from '@millrace/messaging';
import { backendKinds, eventually, startNatsServer, type NatsServer } from '@millrace/testing';
import { contextOf, ended, newRunId, start, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { narrow } from '../run/graphs.fixture.js';

jest.setTimeout(120_000);

const pairs = backendKinds.map((backend, index) => [backend, index === 0 ? 'the in-process bus' : 'NATS'] as const);

describe.each(pairs)('whole runs that share keys on %s and %s', (backend, busKind) => {
  let world: World;
  let nats: NatsServer | undefined;
  let bus: MessageBus;
  let replicas: [Orchestrator, Orchestrator];
  /** What the workers wait for. */
  let isOpen = true;
  let fails = false;
  const working = new Map<string, string>();
  const begun: string[] = [];
  let most = 0;

  beforeAll(async () => {
    world = await World.open(backend);
    if (busKind === 'NATS') nats = await startNatsServer({ exclusive: true });
    bus = nats === undefined ? world.bus : await connectJetStream({ servers: nats.url, name: 'spec' });
    const config = { leaseMs: 3_000 };
    replicas = [await world.replica('replica-1', { bus, config }), await world.replica('replica-2', { bus, config })];
    await world.worker(async (_input, { tenantId, runId, signal }) => {
      working.set(runId, tenantId);
      begun.push(runId);
      most = Math.max(most, [...working.values()].filter((tenant) => tenant === tenantId).length);
      try {
        await eventually(() => isOpen || signal.aborted, { timeoutMs: 60_000 });
      } finally {
        working.delete(runId);
      }
      signal.throwIfAborted();
      if (fails) throw new Error('It broke.');
      return { output: { result: null } };
    }, bus);
  });
  afterAll(async () => {
    isOpen = true;
    await world[Symbol.asyncDispose]();
    if (nats !== undefined) await bus.drain({ graceMs: 0 });
    await nats?.stop();
  });
  beforeEach(() => {
    [isOpen, fails, most] = [true, false, 0];
    begun.length = 0;
  });

  const left = async () =>
    await world.database.asService((transaction) => transaction.selectFrom('slot_request').selectAll().execute());
  const startMany = async (tenantId: string, count: number): Promise<string[]> => {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const runId = newRunId();
      await start(replicas[index % 2 === 0 ? 0 : 1], narrow, runId, contextOf(tenantId));
      ids.push(runId);
    }
    return ids;
  };
  const finish = async (tenantId: string, ids: readonly string[], by = replicas[0]) => {
    const statuses: string[] = [];
    for (const id of ids) statuses.push((await ended(by, id, tenantId)).status);
    return statuses;
  };
  const statusOf = async (tenantId: string, runId: string) => (await replicas[0].reader.get(tenantId, runId)).status;

  it('are under way no more at a time than a key allows, tenants apart, and begin in their order', async () => {
    const [acme, other] = [await startMany('acme', 10), await startMany('other', 4)];
    expect(await finish('acme', acme)).toEqual(acme.map(() => 'completed'));
    expect(await finish('other', other)).toEqual(other.map(() => 'completed'));
    expect(most).toBeLessThanOrEqual(2);
    const places = begun.filter((id) => acme.includes(id)).map((id) => acme.indexOf(id));
    // Two are let in at once, so that neighbours may change places.
    for (const [place, index] of places.entries()) expect(Math.abs(index - place)).toBeLessThanOrEqual(1);
    expect(await left()).toEqual([]);
  });

  it('wait as queued, are cancelled and paused there, and give room back when they fail', async () => {
    [isOpen, fails] = [false, true];
    const ids = await startMany('acme', 5);
    const [, , third = '', fourth = '', fifth = ''] = ids;
    await eventually(() => working.size === 2);
    for (const id of [third, fourth, fifth]) expect(await statusOf('acme', id)).toBe('queued');
    await replicas[1].runs.cancel(contextOf('acme'), { runId: third, reason: 'enough' });
    expect(await ended(replicas[0], third, 'acme')).toMatchObject({ status: 'cancelled' });
    expect(begun).not.toContain(third);
    await replicas[1].runs.pause(contextOf('acme'), { runId: fourth, reason: 'lunch' });
    expect(await statusOf('acme', fourth)).toBe('paused');
    isOpen = true;
    expect(await finish('acme', [ids[0] ?? '', ids[1] ?? '', fifth])).toEqual(['failed', 'failed', 'failed']);
    expect(begun).not.toContain(fourth);
    fails = false;
    await replicas[0].runs.resume(contextOf('acme'), { runId: fourth });
    expect(await finish('acme', [fourth])).toEqual(['completed']);
    expect(await left()).toEqual([]);
  });

  it('outlive the death of a replica that owns some', async () => {
    isOpen = false;
    const ids = await startMany('acme', 6);
    await eventually(() => working.size === 2);
    await replicas[1].stop();
    isOpen = true;
    expect(await finish('acme', ids)).toEqual(ids.map(() => 'completed'));
    expect(most).toBe(2);
    expect(await left()).toEqual([]);
  });
});
