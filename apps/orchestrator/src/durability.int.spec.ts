import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { partitionCount, partitionOf, runStartedEvent, type RunEvent } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { MillraceError } from '@millrace/kernel';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { backendKinds, deferred, eventually, startPostgres, type Deferred } from '@millrace/testing';
import { acme, ended, newRunId, runIdOfPartition, sendResult, start, World } from './orchestrator.fixture.js';
import type { Orchestrator } from './orchestrator.js';
import { diamond, instant, single } from './run/graphs.fixture.js';
import type { OrchestratorTables } from './schema/tables.js';

jest.setTimeout(20_000);

/** The real bus, with something in its way. */
const busWith = (bus: MessageBus, faults: Partial<MessageBus>): MessageBus =>
  Object.assign(Object.create(bus) as MessageBus, faults);

const databaseWith = (
  database: Database<OrchestratorTables>,
  faults: Partial<Database<OrchestratorTables>>,
): Database<OrchestratorTables> => Object.assign(Object.create(database) as Database<OrchestratorTables>, faults);

const lostConnection = () => new MillraceError('unavailable', 'database_unavailable', 'The database does not answer.');

describe.each(backendKinds)('durability on %s', (backend) => {
  let world: World;
  /** Settles when the test is over: what waits for it is as good as dead until then. */
  let over: Deferred<never>;

  beforeEach(async () => {
    over = deferred();
    over.promise.catch(() => undefined);
    world = await World.open(backend);
  });
  afterEach(async () => {
    over.reject(lostConnection());
    await world[Symbol.asyncDispose]();
  });

  const storedEvents = async (runId: string): Promise<RunEvent['type'][]> => {
    const rows = await world.database.asService((transaction) =>
      transaction.selectFrom('run_event').select('type').where('run_id', '=', runId).orderBy('position').execute(),
    );
    return rows.map((row) => row.type);
  };

  const leases = () =>
    world.database.asService((transaction) => transaction.selectFrom('partition_lease').selectAll().execute());

  /** A new owner publishes what the one before may have left; the cursors pass this moment only after that. */
  const debtsArePaid = async (): Promise<void> => {
    const now = new Date();
    await eventually(async () => (await leases()).every((lease) => lease.published_until >= now));
  };

  it('goes on after a crash between commit and publish, and lets the dead write nothing more', async () => {
    const lostBus = createInProcessBus();
    const zombie = await world.replica('replica-1', { bus: busWith(lostBus, { publish: () => over.promise }) });
    const run = await start(zombie, diamond);
    expect(run.status).toBe('running');

    const heir = await world.replica('replica-1');
    await world.worker();
    expect(await ended(heir, run.id)).toMatchObject({ status: 'completed' });
    expect(await eventuallyStored(runStartedEvent.name, run.id)).toBe(`${run.id}:1`);

    const before = await storedEvents(run.id);
    await expect(sendResult(lostBus, run.id, { node: 'a' })).rejects.toMatchObject({ retryable: true });
    const late = newRunId();
    await expect(zombie.runs.start(acme, { runId: late, graph: instant, input: {} })).rejects.toBeInstanceOf(
      MillraceError,
    );
    expect(await storedEvents(late)).toEqual([]);
    expect(await storedEvents(run.id)).toEqual(before);
  });

  /** The id of a stored event of this type for the run, read from the bus. */
  async function eventuallyStored(type: string, runId: string): Promise<string> {
    const signal = AbortSignal.timeout(10_000);
    for await (const { envelope } of world.bus.follow('evt.acme.>', { afterSequence: 0, signal })) {
      if (envelope.type === type && (envelope.data as { runId: string }).runId === runId) return envelope.id;
    }
    throw new Error(`No ${type} of ${runId} was stored.`);
  }

  it('runs no committed step again when everything but the database is lost', async () => {
    const executed: string[] = [];
    const firstBus = createInProcessBus();
    const orchestrator = await world.replica('replica-1', { bus: firstBus });
    await world.worker((_input, task) => {
      executed.push(task.node);
      return ['a', 'b'].includes(task.node) ? Promise.resolve({ output: { result: null } }) : over.promise;
    }, firstBus);
    const { id: runId } = await start(orchestrator, diamond);
    await eventually(async () => (await storedEvents(runId)).filter((type) => type === 'NodeCompleted').length === 2);
    expect(executed.sort()).toEqual(['a', 'b', 'c', 'd']);

    const heir = await world.replica('replica-1');
    const again: string[] = [];
    await world.worker((_input, task) => {
      again.push(task.node);
      return Promise.resolve({ output: { result: null } });
    });
    expect(await ended(heir, runId)).toMatchObject({ status: 'completed' });
    expect(again.sort()).toEqual(['c', 'd', 'e', 'f']);
    expect((await storedEvents(runId)).filter((type) => type === 'NodeCompleted')).toHaveLength(6);
  });

  it('takes over from a process of another name that died together with its bus', async () => {
    const { database } = world;
    let dead = false;
    const mortal = databaseWith(database, {
      asService: (work, options) => (dead ? Promise.reject(lostConnection()) : database.asService(work, options)),
    });
    const bus = createInProcessBus();
    const orchestrator = await world.replica('process-1', { bus, database: mortal });
    const run = await start(orchestrator, diamond);
    await debtsArePaid();
    dead = true;
    const heir = await world.replica('process-2');
    await world.worker();
    expect(await ended(heir, run.id)).toMatchObject({ status: 'completed' });
  });

  it('publishes what a commit stored whose answer was lost', async () => {
    const { database } = world;
    let lose = false;
    const flaky = databaseWith(database, {
      asServiceStatement: async (build) => {
        const result = await database.asServiceStatement(build);
        if (!lose) return result;
        lose = false;
        throw lostConnection();
      },
    });
    const orchestrator = await world.replica('replica-1', { database: flaky });
    await world.worker();
    await debtsArePaid();
    const runId = newRunId();
    lose = true;
    await expect(start(orchestrator, diamond, runId)).rejects.toMatchObject({ retryable: true });
    expect(await ended(orchestrator, runId)).toMatchObject({ status: 'completed' });
    expect(await start(orchestrator, diamond, runId)).toMatchObject({ id: runId, status: 'completed' });
  });

  it('answers with a retryable error and publishes nothing when the commit fails', async () => {
    const { database } = world;
    let fail = false;
    const flaky = databaseWith(database, {
      asServiceStatement: (build) => (fail ? Promise.reject(lostConnection()) : database.asServiceStatement(build)),
    });
    const published: string[] = [];
    const bus = busWith(world.bus, {
      publish: (message) => {
        published.push(message.envelope.id);
        return world.bus.publish(message);
      },
    });
    const orchestrator = await world.replica('replica-1', { database: flaky, bus });
    const run = await start(orchestrator, diamond);
    await eventually(() => published.includes(`${run.id}:a:1`));
    fail = true;
    await expect(sendResult(world.bus, run.id, { node: 'a' })).rejects.toMatchObject({
      code: 'database_unavailable',
      retryable: true,
    });
    expect(published.filter((id) => id.includes(':b:'))).toEqual([]);
    fail = false;
    expect(await sendResult(world.bus, run.id, { node: 'a' })).toEqual({ applied: true });
    expect((await storedEvents(run.id)).filter((type) => type === 'NodeCompleted')).toHaveLength(1);
    await eventually(() => published.includes(`${run.id}:b:1`));
  });

  it('publishes again what the bus refused', async () => {
    let refuse = true;
    const bus = busWith(world.bus, {
      publish: (message) =>
        refuse
          ? Promise.reject(new MillraceError('overloaded', 'stream_full', 'The stream is full.'))
          : world.bus.publish(message),
    });
    const orchestrator = await world.replica('replica-1', { bus });
    await world.worker();
    await debtsArePaid();
    const runs = await Promise.all(Array.from({ length: 5 }, () => start(orchestrator, diamond)));
    await eventually(() => orchestrator.counts.failedPublishes >= 10);
    refuse = false;
    for (const run of runs) expect(await ended(orchestrator, run.id)).toMatchObject({ status: 'completed' });
  });

  it('publishes outstanding tasks again that the transport has lost', async () => {
    const lost = new Set<string>();
    const bus = busWith(world.bus, {
      publish: (message) => {
        if (!message.subject.startsWith('task.') || lost.has(message.envelope.id)) return world.bus.publish(message);
        lost.add(message.envelope.id);
        return Promise.resolve({ sequence: 1, duplicate: false });
      },
    });
    const orchestrator = await world.replica('replica-1', { bus, config: { reconcileAfterMs: 200 } });
    await world.worker();
    const run = await start(orchestrator, diamond);
    expect(await ended(orchestrator, run.id)).toMatchObject({ status: 'completed' });
    expect(lost.size).toBe(6);
    expect(orchestrator.counts.republishedTasks).toBeGreaterThanOrEqual(6);
  });

  it('decides anew when somebody else has written the run', async () => {
    const orchestrator = await world.replica('replica-1');
    const run = await start(orchestrator, diamond);
    const data = { node: 'a', attempt: 1, output: { step: 'a' } };
    await world.database.asService((transaction) =>
      transaction
        .insertInto('run_event')
        .values({
          ...{ tenant_id: 'acme', run_id: run.id, position: 3, type: 'NodeCompleted' },
          data: JSON.stringify(data),
          at: new Date(),
        })
        .execute(),
    );
    expect(await sendResult(world.bus, run.id, { node: 'a' })).toEqual({ applied: false, reason: 'stale' });
    expect(await storedEvents(run.id)).toEqual(['RunStarted', 'NodeScheduled', 'NodeCompleted']);
  });

  it('writes nothing for a partition that somebody else has taken', async () => {
    const orchestrator = await world.replica('replica-1', { config: { leaseMs: 60_000 } });
    const runId = runIdOfPartition(5);
    const neighbour = runIdOfPartition(6);
    await Promise.all([start(orchestrator, diamond, runId), start(orchestrator, diamond, neighbour)]);
    await world.database.asService((transaction) =>
      transaction
        .updateTable('partition_lease')
        .set((column) => ({ owner: 'thief', epoch: column('epoch', '+', 1) }))
        .where('partition', '=', 5)
        .execute(),
    );
    const [refused, applied] = await Promise.allSettled([
      sendResult(world.bus, runId, { node: 'a' }),
      sendResult(world.bus, neighbour, { node: 'a' }),
    ]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'partition_moved', retryable: true } });
    expect(applied).toMatchObject({ status: 'fulfilled', value: { applied: true } });
    expect(await storedEvents(runId)).toEqual(['RunStarted', 'NodeScheduled']);
    await expect(sendResult(world.bus, runId, { node: 'a' })).rejects.toMatchObject({ retryable: true });
  });

  it('shares the partitions among replicas, hands commands on, and takes over what a dead one held', async () => {
    const first = await world.replica('replica-1');
    const second = await world.replica('replica-2', { database: await world.anotherDatabase() });
    await eventually(async () => {
      const owners = (await leases()).map((lease) => lease.owner);
      return ['replica-1', 'replica-2'].every(
        (name) => owners.filter((owner) => owner === name).length === partitionCount / 2,
      );
    });
    await world.worker();
    const runs = await Promise.all(
      Array.from({ length: 32 }, (_, index) => start(index % 2 === 0 ? first : second, diamond)),
    );
    expect(new Set(runs.map((run) => partitionOf(run.id))).size).toBeGreaterThan(8);
    for (const run of runs) expect(await ended(second, run.id)).toMatchObject({ status: 'completed' });

    await first.stop();
    await eventually(async () => (await leases()).every((lease) => lease.owner === 'replica-2'));
    const last = await Promise.all(Array.from({ length: 16 }, () => start(second, diamond)));
    for (const run of last) expect(await ended(second, run.id)).toMatchObject({ status: 'completed' });
  });

  it('answers everything that it has accepted before it stops', async () => {
    const orchestrator = await world.replica('replica-1');
    const ids = Array.from({ length: 50 }, newRunId);
    const starts = Promise.allSettled(
      ids.map((id) => orchestrator.runs.start(acme, { runId: id, graph: single, input: {} })),
    );
    await eventually(async () => (await storedEvents(ids[0] ?? '')).length > 0);
    await orchestrator.stop();
    const outcomes = await starts;
    for (const [index, outcome] of outcomes.entries()) {
      expect((await storedEvents(ids[index] ?? '')).length > 0).toBe(outcome.status === 'fulfilled');
    }
    expect((await leases()).every((lease) => lease.expires_at !== null && lease.expires_at <= new Date())).toBe(true);
  });
});

describe('durability while Postgres restarts', () => {
  it('loses nothing: callers come again, and the run goes on', async () => {
    await using server = await startPostgres({ exclusive: true });
    await using world = await World.on(server);
    const orchestrator: Orchestrator = await world.replica('replica-1');
    await world.worker();
    const runs = await Promise.all(Array.from({ length: 10 }, () => start(orchestrator, diamond)));
    await server.kill();
    await server.restart();
    for (const run of runs) {
      const done = await eventually(
        async () => {
          const found = await orchestrator.reader.get('acme', run.id);
          return found.finishedAt === null ? false : found;
        },
        { timeoutMs: 30_000 },
      );
      expect(done.status).toBe('completed');
    }
  });
});
