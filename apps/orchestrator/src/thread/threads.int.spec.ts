/** Runs of a thread, over several replicas, on real databases and both buses. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { partitionOf, toolTask, type OnBusy, type Run } from '@millrace/contracts';
import { MillraceError, newId, type JsonObject } from '@millrace/kernel';
import { connectJetStream, type MessageBus } from '@millrace/messaging';
import { backendKinds, eventually, startNatsServer, type NatsServer } from '@millrace/testing';
import { startWorker, type RunningWorker } from '@millrace/worker';
import { mergePatch } from '@millrace/workflow';
import fc from 'fast-check';
import { sql } from 'kysely';
import { contextOf, newRunId, runIdOfPartition, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { instant, talking } from '../run/graphs.fixture.js';
import { mostInLine } from './thread-line.js';

jest.setTimeout(120_000);

const pairs = backendKinds.map((backend, index) => [backend, index === 0 ? 'the in-process bus' : 'NATS'] as const);
type Ask = World['database']['asService'];
type AskStatement = World['database']['asServiceStatement'];
const lostConnection = () => new MillraceError('unavailable', 'database_unavailable', 'The database does not answer.');

describe.each(pairs)('threads on %s and %s', (backend, busKind) => {
  let world: World;
  let nats: NatsServer | undefined;
  let bus: MessageBus;
  let replicas: Orchestrator[];
  /** Of the third replica: it cannot give turns any more, or nothing at all. */
  let third: 'well' | 'cannot give turns' | 'dead';
  let worker: RunningWorker;
  /** By run: its thread. The runs whose step began, in their order, and those whose step goes on. */
  const threadOf = new Map<string, string>();
  const began: string[] = [];
  const working = new Set<string>();
  const cancelled = new Set<string>();
  /** By thread: how many runs were at work at a time. */
  const most = new Map<string, number>();
  let isHeld: boolean;

  beforeAll(async () => {
    world = await World.open(backend);
    if (busKind === 'NATS') nats = await startNatsServer({ exclusive: true });
    bus = nats === undefined ? world.bus : await connectJetStream({ servers: nats.url, name: 'spec' });
    third = 'well';
    const { database } = world;
    const mortal = Object.assign(Object.create(database) as typeof database, {
      asService: ((work, options) =>
        third === 'well' ? database.asService(work, options) : Promise.reject(lostConnection())) as Ask,
      asServiceStatement: ((build) =>
        third === 'dead' ? Promise.reject(lostConnection()) : database.asServiceStatement(build)) as AskStatement,
    });
    const config = { leaseMs: 2_000 };
    replicas = [
      await world.replica('replica-1', { bus, config }),
      await world.replica('replica-2', { bus, config }),
      await world.replica('replica-3', { bus, config, database: mortal }),
    ];
    worker = await startWorker({
      bus,
      contract: toolTask,
      slots: 50,
      execute: async (_input, { runId, signal }) => {
        began.push(runId);
        working.add(runId);
        const thread = threadOf.get(runId) ?? '';
        const together = [...working].filter((id) => threadOf.get(id) === thread && !cancelled.has(id));
        most.set(thread, Math.max(most.get(thread) ?? 0, together.length));
        if (isHeld) await eventually(() => signal.aborted || !isHeld, { timeoutMs: 100_000 });
        else await new Promise((resolve) => setImmediate(resolve));
        working.delete(runId);
        signal.throwIfAborted();
        return { output: { result: null } };
      },
    });
  });
  afterAll(async () => {
    [isHeld, third] = [false, 'well'];
    await worker.drain({ graceMs: 0 });
    await world[Symbol.asyncDispose]();
    if (nats !== undefined) await bus.drain({ graceMs: 0 });
    await nats?.stop();
  });

  beforeEach(() => {
    isHeld = false;
  });

  const one = (): Orchestrator => replicas[0]!;
  const newThread = (): string => newId('talk');
  const say = (
    thread: string,
    {
      at = one(),
      runId = newRunId(),
      onBusy,
      tenantId = 'acme',
      graph = talking,
    }: {
      at?: Orchestrator;
      runId?: string;
      onBusy?: OnBusy;
      tenantId?: string;
      graph?: typeof talking;
    } = {},
  ): Promise<Run> => {
    threadOf.set(runId, tenantId === 'acme' ? thread : `${tenantId}/${thread}`);
    return at.runs.start(contextOf(tenantId), { runId, graph, input: {}, thread, onBusy });
  };
  const endOf = (runId: string, tenantId = 'acme') =>
    eventually(
      async () => {
        const run = await one().reader.get(tenantId, runId);
        return run.finishedAt !== null && run;
      },
      { describe: `run ${runId} has ended`, timeoutMs: 60_000 },
    );
  const finish = async (ids: readonly string[], tenantId = 'acme') => {
    const runs: Run[] = [];
    for (const id of ids) runs.push(await endOf(id, tenantId));
    return runs;
  };
  const beganIn = (thread: string) => began.filter((id) => threadOf.get(id) === thread);
  const line = (thread: string) =>
    world.database.asService((transaction) =>
      transaction.selectFrom('thread_place').selectAll().where('thread_id', '=', thread).execute(),
    );
  const underWay = (runId: string) => eventually(() => began.includes(runId), { timeoutMs: 60_000 });

  it('runs one at a time, in the order of arrival, over all replicas and partitions', async () => {
    isHeld = true;
    const thread = newThread();
    const ids: string[] = [];
    for (let index = 0; index < 9; index += 1) ids.push((await say(thread, { at: replicas[index % 3]! })).id);
    isHeld = false;
    expect(new Set(ids.map(partitionOf)).size).toBeGreaterThan(1);
    const runs = await finish(ids);
    expect(runs.map(({ status, output }) => [status, output])).toEqual(ids.map((_, index) => ['completed', index]));
    expect(beganIn(thread)).toEqual(ids);
    expect(most.get(thread)).toBe(1);
    expect(await one().threads.state('acme', thread)).toMatchObject({
      version: 9,
      state: { turns: 9, last: ids[8] },
    });
    expect(await line(thread)).toEqual([]);
    const listed = await one().reader.list('acme', { thread }, null, 100);
    expect(listed.map(({ id, thread: of }) => [id, of])).toEqual(ids.toReversed().map((id) => [id, thread]));
  });

  it('never runs two at once, however many race, and counts each of them', async () => {
    const thread = newThread();
    const ids = Array.from({ length: 16 }, () => newRunId());
    // Half of them are sent twice, to two replicas.
    await Promise.all([
      ...ids.map((runId, index) => say(thread, { runId, at: replicas[index % 3]! })),
      ...ids.slice(0, 8).map((runId, index) => say(thread, { runId, at: replicas[(index + 1) % 3]! })),
    ]);
    const runs = await finish(ids);
    expect(runs.every(({ status }) => status === 'completed')).toBe(true);
    expect(runs.map(({ output }) => output).sort((x, y) => Number(x) - Number(y))).toEqual(
      ids.map((_, index) => index),
    );
    expect([beganIn(thread).length, most.get(thread)]).toEqual([16, 1]);
    expect(await one().threads.get('acme', thread)).toMatchObject({ version: 16, run: null, queued: 0 });
    // Started once more, after the end.
    expect(await say(thread, { runId: ids[3]! })).toMatchObject({ status: 'completed' });
    expect(await line(thread)).toEqual([]);
  });

  it('lets runs of other threads and tenants run beside each other', async () => {
    isHeld = true;
    const thread = newThread();
    const runs = [await say(thread), await say(newThread()), await say(thread, { tenantId: 'other' })];
    for (const { id } of runs) await underWay(id);
    isHeld = false;
    await finish([runs[0]!.id, runs[1]!.id]);
    await finish([runs[2]!.id], 'other');
    expect((await one().threads.state('acme', thread)).state['last']).toBe(runs[0]!.id);
    expect((await one().threads.state('other', thread)).state['last']).toBe(runs[2]!.id);
    await expect(one().threads.state('third', thread)).rejects.toMatchObject({ code: 'unknown_thread' });
    await expect(one().threads.delete('third', thread)).rejects.toMatchObject({ code: 'unknown_thread' });
    await expect(one().threads.history('third', thread, { before: null, limit: 5 })).rejects.toMatchObject({
      code: 'unknown_thread',
    });
    expect(await one().threads.list('third', null, 10)).toEqual([]);
  });

  it('refuses a run where it is to, and stores nothing of it', async () => {
    isHeld = true;
    const thread = newThread();
    const first = await say(thread, { onBusy: 'reject' });
    const refused = newRunId();
    for (const at of replicas)
      await expect(say(thread, { runId: refused, onBusy: 'reject', at })).rejects.toMatchObject({
        ...{ kind: 'conflict', code: 'thread_busy' },
        violations: [{ pointer: '/thread', message: first.id }],
      });
    await expect(one().reader.get('acme', refused)).rejects.toMatchObject({ code: 'unknown_run' });
    await expect(one().threads.delete('acme', thread)).rejects.toMatchObject({ code: 'thread_busy' });
    isHeld = false;
    await finish([first.id]);
    await finish([(await say(thread, { runId: refused, onBusy: 'reject' })).id]);
    await one().threads.delete('acme', thread);
    await expect(one().threads.get('acme', thread)).rejects.toMatchObject({ code: 'unknown_thread' });
    expect((await one().reader.get('acme', refused)).thread).toBe(thread);
  });

  it('refuses exactly all but one of those that race to be the only one', async () => {
    isHeld = true;
    const thread = newThread();
    const settled = await Promise.allSettled(
      Array.from({ length: 12 }, (_, index) => say(thread, { onBusy: 'reject', at: replicas[index % 3]! })),
    );
    const started = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(started).toHaveLength(1);
    isHeld = false;
    await finish(started.map(({ id }) => id));
  });

  it('bounds how many wait', async () => {
    isHeld = true;
    const thread = newThread();
    const first = await say(thread);
    await underWay(first.id);
    const places = Array.from({ length: mostInLine - 1 }, () => ({
      ...{ tenant_id: 'acme', run_id: newRunId(), generation: 0, thread_id: thread, partition: 0 },
    }));
    await world.database.asService((transaction) => transaction.insertInto('thread_place').values(places).execute());
    const last = await say(thread);
    expect(last.status).toBe('queued');
    expect(await one().threads.get('acme', thread)).toMatchObject({ run: first.id, queued: 1 });
    for (const onBusy of ['queue', 'interrupt'] as const)
      await expect(say(thread, { onBusy })).rejects.toMatchObject({
        ...{ kind: 'overloaded', code: 'thread_queue_full', retryAfterSeconds: 5 },
      });
    isHeld = false;
    await finish([first.id, last.id]);
  });

  it('interrupts the run that is under way, and goes before those that wait', async () => {
    isHeld = true;
    const thread = newThread();
    const first = await say(thread);
    await underWay(first.id);
    const waits = await say(thread);
    cancelled.add(first.id);
    const second = await say(thread, { onBusy: 'interrupt', at: replicas[1]! });
    expect(await endOf(first.id)).toMatchObject({
      status: 'cancelled',
      error: { message: `interrupted by ${second.id} in the thread ${thread}` },
    });
    await underWay(second.id);
    cancelled.add(second.id);
    const third = await say(thread, { onBusy: 'interrupt', at: replicas[2]! });
    await underWay(third.id);
    expect((await one().reader.get('acme', second.id)).status).toBe('cancelled');
    isHeld = false;
    const runs = await finish([third.id, waits.id]);
    expect(runs.map(({ status, output }) => [status, output])).toEqual([
      ['completed', 0],
      ['completed', 1],
    ]);
    expect(most.get(thread)).toBe(1);
  });

  it('writes what a run says into what is there when it ends, and keeps all of it', async () => {
    isHeld = true;
    const thread = newThread();
    const { threads } = one();
    const patch = (change: object, version: number | null) =>
      threads.patch('acme', thread, { patch: change as Record<string, string>, version });
    await expect(patch({ x: 1 }, null)).rejects.toMatchObject({ code: 'unknown_thread' });
    await expect(patch({ x: 1 }, 3)).rejects.toMatchObject({ code: 'thread_version_mismatch' });
    expect(await patch({ turns: 5, note: 'draft' }, 0)).toMatchObject({
      version: 1,
      state: { turns: 5, note: 'draft' },
    });
    const run = await say(thread);
    await underWay(run.id);
    const racing = await Promise.allSettled([patch({ by: 'x' }, 1), patch({ by: 'y' }, 1), patch({ by: 'z' }, 1)]);
    expect(racing.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    isHeld = false;
    expect((await finish([run.id]))[0]?.output).toBe(5);
    expect(await threads.state('acme', thread)).toMatchObject({
      version: 3,
      state: { turns: 6, last: run.id, by: expect.any(String) },
    });
    const page = await threads.history('acme', thread, { before: null, limit: 2 });
    expect(page.items.map(({ version, runId }) => [version, runId])).toEqual([
      [3, run.id],
      [2, null],
    ]);
    const rest = await threads.history('acme', thread, { before: page.next, limit: 2 });
    expect(rest).toMatchObject({ items: [{ version: 1, state: { turns: 5, note: 'draft' } }], next: null });
  });

  it('merges in SQL as the engine does', async () => {
    const keys = fc.constantFrom('a', 'b', 'c', '__proto__');
    const { value: json } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        ...[fc.constant(null), fc.boolean(), fc.integer(), fc.constantFrom('', 'x', 'é')],
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 3 }),
      ),
    }));
    const objects = fc.dictionary(keys, json) as fc.Arbitrary<JsonObject>;
    const pairs = fc.sample(fc.tuple(objects, objects), 300);
    const merged = await world.database.asService((transaction) =>
      sql<{ merged: JsonObject }>`
        select merge_patch(target::jsonb, patch::jsonb) as merged
        from unnest(${pairs.map(([target]) => JSON.stringify(target))}::text[],
                    ${pairs.map(([, patch]) => JSON.stringify(patch))}::text[]) with ordinality as pair (target, patch, place)
        order by place`.execute(transaction),
    );
    expect(merged.rows.map((row) => row.merged)).toEqual(pairs.map(([target, patch]) => mergePatch(target, patch)));
  });

  it('lets a retried run come to its thread anew', async () => {
    const thread = newThread();
    isHeld = true;
    const first = await say(thread);
    await underWay(first.id);
    await one().runs.cancel(contextOf('acme'), { runId: first.id, reason: 'enough' });
    cancelled.add(first.id);
    const second = await say(thread);
    await underWay(second.id);
    expect(await one().runs.retry(contextOf('acme'), { runId: first.id, id: 'again' })).toMatchObject({
      status: 'queued',
      finishedAt: null,
    });
    isHeld = false;
    expect((await finish([second.id, first.id])).map(({ output }) => output)).toEqual([0, 1]);
    expect(await line(thread)).toEqual([]);
  });

  it('lets a place go whose run never came', async () => {
    const thread = newThread();
    const kept = { tenant_id: 'acme', run_id: newRunId(), generation: 0, thread_id: thread, partition: 0 };
    await world.database.asService((transaction) => transaction.insertInto('thread_place').values(kept).execute());
    await expect(say(thread, { onBusy: 'reject', graph: instant })).rejects.toMatchObject({ code: 'thread_busy' });
    await world.database.asService((transaction) =>
      transaction
        .updateTable('thread_place')
        .set({ kept_at: new Date(Date.now() - 60_000) })
        .where('run_id', '=', kept.run_id)
        .execute(),
    );
    await finish([(await say(thread, { onBusy: 'reject', graph: instant })).id]);
    expect(await line(thread)).toEqual([]);
  });

  it('gives the turn that the replica could not give by which a run ended', async () => {
    const owners = await world.database.asService((transaction) =>
      transaction.selectFrom('partition_lease').select(['partition', 'owner']).execute(),
    );
    const ofReplica = (name: string) => runIdOfPartition(owners.find(({ owner }) => owner === name)?.partition ?? 0);
    const thread = newThread();
    isHeld = true;
    const first = await say(thread, { runId: ofReplica('replica-3') });
    await underWay(first.id);
    const second = await say(thread, { runId: ofReplica('replica-1') });
    third = 'cannot give turns';
    isHeld = false;
    expect((await finish([first.id, second.id])).map(({ output }) => output)).toEqual([0, 1]);
    third = 'well';
  });

  it('goes on in order after the death of a replica', async () => {
    const thread = newThread();
    isHeld = true;
    const ids: string[] = [];
    for (let index = 0; index < 10; index += 1) ids.push((await say(thread, { at: replicas[index % 3]! })).id);
    await underWay(ids[0]!);
    third = 'dead';
    isHeld = false;
    expect((await finish(ids)).map(({ status }) => status)).toEqual(ids.map(() => 'completed'));
    expect(beganIn(thread)).toEqual(ids);
    expect(most.get(thread)).toBe(1);
    expect(await one().threads.state('acme', thread)).toMatchObject({ version: 10, state: { turns: 10 } });
    expect(await line(thread)).toEqual([]);
  });
});
