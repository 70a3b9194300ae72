/** Runs that are removed: which, when, by whom, and what becomes of those who still ask for them. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { partitionOf } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { backendKinds, deferred, eventually } from '@millrace/testing';
import fc from 'fast-check';
import { sql } from 'kysely';
import { acme, contextOf, ended, newRunId, sendResult, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { diamond, single } from '../run/graphs.fixture.js';
import { RemovalStore } from './removal.store.js';

jest.setTimeout(120_000);

const quiet: JsonObject = {
  ...{ apiVersion: 'millrace/v1', kind: 'Graph', metadata: { name: 'quiet' } },
  nodes: [{ id: 'n', kind: 'transform', output: 1 }],
};
const tables = ['run', 'run_event', 'run_timer', 'approval', 'event_wait', 'slot_request'] as const;

const nothing = Object.fromEntries(tables.map((table) => [table, 0]));

function helpersOf(parts: () => { readonly world: World; readonly orchestrator: Orchestrator }) {
  const start = async (graph: JsonObject = quiet, tenantId = 'acme', runId = newRunId()): Promise<string> => {
    await parts().orchestrator.runs.start(contextOf(tenantId), { runId, graph, input: {} });
    return runId;
  };
  /** As if a run had ended so many days ago. */
  const age = (runId: string, days: number) =>
    parts().world.database.asService((transaction) =>
      sql`update run set finished_at = now() - make_interval(days => ${days}::integer, mins => 1) where run_id = ${runId}`.execute(
        transaction,
      ),
    );
  const rowsOf = async (runId: string): Promise<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const table of tables) {
      const { rows } = await parts().world.database.asService((transaction) =>
        sql<{ n: number }>`select count(*)::integer as n from ${sql.table(table)} where run_id = ${runId}`.execute(
          transaction,
        ),
      );
      counts[table] = rows[0]?.n ?? -1;
    }
    return counts;
  };
  /** Every partition's lease; those named are behind with their announcements. */
  async function leasesOf(late: ReadonlySet<number>) {
    const { rows } = await parts().world.database.asService((transaction) =>
      sql<{ owner: string; partition: number; epoch: number }>`
        update partition_lease set published_until = case when partition = any (${[...late]}::smallint[])
          then '-infinity'::timestamptz else now() end
        returning owner, partition, epoch`.execute(transaction),
    );
    return rows;
  }
  return { start, age, rowsOf, leasesOf };
}

describe.each(backendKinds)('removing runs on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;
  beforeAll(async () => {
    world = await World.open(backend);
    orchestrator = await world.replica('replica-1');
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const { start, age, rowsOf, leasesOf } = helpersOf(() => ({ world, orchestrator }));
  /** Until the end of a run is announced, it stays. */
  const remove = (runId: string, context = acme) =>
    eventually(
      async () => {
        try {
          return await orchestrator.runs.remove(context, { runId });
        } catch (error) {
          if ((error as { code?: string }).code === 'run_just_ended') return false;
          return error as { code: string };
        }
      },
      { timeoutMs: 20_000 },
    );

  it('takes a run with all that was stored for it, and leaves its neighbours', async () => {
    const [gone, stays] = [await start(single), await start()];
    await sendResult(world.bus, gone, { node: 'only' });
    const before = await rowsOf(stays);
    expect(await remove(gone)).toMatchObject({ id: gone, status: 'completed' });
    expect(await rowsOf(gone)).toEqual(nothing);
    expect(await rowsOf(stays)).toEqual(before);
    expect(await orchestrator.reader.get('acme', stays)).toMatchObject({ status: 'completed' });
  });

  it('tells whoever asks for it that it was removed, and starts it no more', async () => {
    const runId = await start();
    await remove(runId);
    const removed = { kind: 'not-found', code: 'run_removed' };
    await expect(orchestrator.reader.get('acme', runId)).rejects.toMatchObject(removed);
    await expect(orchestrator.reader.events('acme', runId, { after: 0, limit: 1 })).rejects.toMatchObject(removed);
    await expect(orchestrator.recorder.record('acme', runId)).rejects.toMatchObject(removed);
    await expect(orchestrator.runs.cancel(acme, { runId, reason: '' })).rejects.toMatchObject(removed);
    await expect(orchestrator.runs.retry(acme, { runId, id: 'again' })).rejects.toMatchObject(removed);
    await expect(orchestrator.runs.remove(acme, { runId })).rejects.toMatchObject(removed);
    const fork = { runId: newRunId(), parent: runId, from: 'n' };
    await expect(orchestrator.runs.fork(acme, fork)).rejects.toMatchObject(removed);
    await expect(start(quiet, 'acme', runId)).rejects.toMatchObject(removed);
    await expect(orchestrator.reader.get('other', runId)).rejects.toMatchObject({ code: 'unknown_run' });
    expect(
      await sendResult(world.bus, runId, { node: 'n' }).catch((error: { code?: string }) => error.code),
    ).toBeDefined();
    expect(await rowsOf(runId)).toEqual(nothing);
  });

  it('is refused for a run that goes on, and to others', async () => {
    const runId = await start(diamond);
    expect(await remove(runId)).toMatchObject({ code: 'run_not_ended' });
    expect(await remove(runId, contextOf('other'))).toMatchObject({ code: 'unknown_run' });
    expect(await remove(newRunId())).toMatchObject({ code: 'unknown_run' });
    await orchestrator.runs.cancel(acme, { runId, reason: 'enough' });
  });

  it('leaves forks as they are', async () => {
    const parent = await start();
    const fork = await orchestrator.runs.fork(acme, { runId: newRunId(), parent, from: 'n' });
    await remove(parent);
    expect(await orchestrator.reader.get('acme', fork.id)).toMatchObject({ status: 'completed' });
    expect(await orchestrator.recorder.record('acme', fork.id)).toMatchObject({ runId: fork.id });
    await expect(orchestrator.runs.retry(acme, { runId: fork.id, id: 'r', from: 'n' })).resolves.toMatchObject({
      id: fork.id,
    });
  });

  it('does all of a retry or nothing of it when both come at once', async () => {
    for (let round = 0; round < 15; round += 1) {
      const runId = await start(single);
      await sendResult(world.bus, runId, { node: 'only' });
      await age(runId, 1);
      const both = await Promise.all([
        orchestrator.runs.retry(acme, { runId, id: 'again', from: 'only' }).catch((error: unknown) => error),
        orchestrator.runs.remove(acme, { runId }).catch((error: unknown) => error),
      ]);
      const [retried] = both as { code?: string; status?: string }[];
      if (retried?.status === 'running') {
        await sendResult(world.bus, runId, { node: 'only', attempt: 2 });
        expect(await ended(orchestrator, runId)).toMatchObject({ status: 'completed' });
      } else {
        expect(retried).toMatchObject({ code: 'run_removed' });
        expect(await rowsOf(runId)).toEqual(nothing);
      }
    }
  });

  it('is not for a replica that does not hold the partition', async () => {
    const runId = await start();
    await age(runId, 9);
    const partition = partitionOf(runId);
    const [lease] = (await leasesOf(new Set())).filter((each) => each.partition === partition);
    const store = new RemovalStore(world.database);
    const policy = { days: 1, ofTenants: new Map<string, number>() };
    const bounds = { runs: 10, events: 100 };
    for (const claim of [
      { owner: 'somebody', partition, epoch: lease?.epoch ?? 0 },
      { owner: lease?.owner ?? '', partition, epoch: (lease?.epoch ?? 0) - 1 },
      { owner: lease?.owner ?? '', partition, epoch: -1 },
    ])
      expect(await store.removeOld(claim, policy, bounds)).toEqual([]);
    expect(await orchestrator.reader.get('acme', runId)).toMatchObject({ status: 'completed' });
  });

  it('happens by itself where the configuration says so', async () => {
    await orchestrator.stop();
    const retention = { days: 2, ofTenants: new Map([['other', 5]]) };
    orchestrator = await world.replica('replica-2', { config: { retention, retentionMs: 50 } });
    const [old, young, others, running] = [
      await start(),
      await start(),
      await start(quiet, 'other'),
      await start(diamond),
    ];
    await age(old, 3);
    await age(young, 1);
    await age(others, 3);
    await eventually(async () => (await rowsOf(old))['run'] === 0, { timeoutMs: 20_000 });
    for (const [runId, tenantId] of [
      [young, 'acme'],
      [others, 'other'],
      [running, 'acme'],
    ] as const)
      expect(await orchestrator.reader.get(tenantId, runId)).toMatchObject({ id: runId });
    await expect(orchestrator.reader.get('acme', old)).rejects.toMatchObject({ code: 'run_removed' });
    for (const node of ['a', 'b', 'c', 'd', 'e', 'f']) await sendResult(world.bus, running, { node });
    expect(await ended(orchestrator, running)).toMatchObject({ status: 'completed' });
  });
});

describe.each(backendKinds)('removing runs by their age on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;
  beforeAll(async () => {
    world = await World.open(backend);
    // It renews its leases, and says with them how far announcements are, when the spec is over.
    orchestrator = await world.replica('replica-1', { config: { leaseMs: 600_000 } });
  });
  afterAll(() => world[Symbol.asyncDispose]());
  const { start, age, rowsOf, leasesOf } = helpersOf(() => ({ world, orchestrator }));
  const settle = (runs: readonly { readonly runId: string; readonly tenantId: string }[]) =>
    Promise.all(
      runs.map(({ runId, tenantId }) => orchestrator.runs.cancel(contextOf(tenantId), { runId, reason: 'enough' })),
    );

  it('takes by age exactly the runs that are old enough for their tenant, in batches, and none that goes on', async () => {
    const shapes = fc.array(
      fc.record({
        tenantId: fc.constantFrom('acme', 'brief', 'other'),
        days: fc.integer({ min: 0, max: 12 }),
        goesOn: fc.boolean(),
        isAnnounced: fc.boolean(),
      }),
      { minLength: 1, maxLength: 8 },
    );
    const bounds = fc.record({ runs: fc.integer({ min: 1, max: 4 }), events: fc.integer({ min: 1, max: 12 }) });
    const keeps = fc.record({
      days: fc.option(fc.integer({ min: 1, max: 10 })),
      brief: fc.option(fc.integer({ min: 1, max: 10 })),
    });
    const other = await world.anotherDatabase();
    const store = new RemovalStore(other);
    await fc.assert(
      fc.asyncProperty(shapes, bounds, keeps, async (runs, atOnce, { days, brief }) => {
        const made = await Promise.all(
          runs.map(async (shape) => {
            const runId = await start(shape.goesOn ? diamond : quiet, shape.tenantId);
            if (!shape.goesOn) await age(runId, shape.days);
            return { ...shape, runId };
          }),
        );
        const policy = { days, ofTenants: new Map(brief === null ? [] : [['brief', brief]]) };
        const keepOf = (tenantId: string): number => (tenantId === 'brief' ? (brief ?? days) : days) ?? Infinity;
        // Of one run that is not announced everything of its partition waits.
        const late = new Set(
          made.filter((run) => !run.isAnnounced && !run.goesOn).map(({ runId }) => partitionOf(runId)),
        );
        const expected = made.filter(
          (run) => !run.goesOn && run.days >= keepOf(run.tenantId) && !late.has(partitionOf(run.runId)),
        );
        const owners = await leasesOf(late);
        const gone: string[] = [];
        for (const claim of owners) {
          for (let removed = await store.removeOld(claim, policy, atOnce); removed.length > 0;) {
            expect(removed.length).toBeLessThanOrEqual(atOnce.runs);
            gone.push(...removed.map(({ runId }) => runId));
            removed = await store.removeOld(claim, policy, atOnce);
          }
        }
        const mine = new Set(made.map(({ runId }) => runId));
        expect(gone.filter((runId) => mine.has(runId)).sort()).toEqual(expected.map(({ runId }) => runId).sort());
        for (const { runId, goesOn } of made) {
          const rows = await rowsOf(runId);
          if (gone.includes(runId)) expect(rows).toEqual(nothing);
          else expect([rows['run'], (rows['run_event'] ?? 0) >= (goesOn ? 2 : 4)]).toEqual([1, true]);
        }
        await settle(made.filter(({ goesOn }) => goesOn));
      }),
      { numRuns: 12 },
    );
  });
});

describe('removing a run while it is to go on', () => {
  it('has the retry wait, and find nothing', async () => {
    await using world = await World.open('postgres');
    const orchestrator = await world.replica('replica-1');
    const { start, age, rowsOf } = helpersOf(() => ({ world, orchestrator }));
    const runId = await start(single);
    await sendResult(world.bus, runId, { node: 'only' });
    await age(runId, 1);
    // Somebody else has a hand on the mark of the run: the statement that removes it stands still in the middle.
    const [held, release] = [deferred<void>(), deferred<void>()];
    const other = await world.anotherDatabase();
    const holding = other
      .asService(async (transaction) => {
        await sql`insert into removed_run (tenant_id, run_id) values ('acme', ${runId})`.execute(transaction);
        held.resolve();
        await release.promise;
        throw new Error('never mind');
      })
      .catch(() => undefined);
    await held.promise;
    const removing = orchestrator.runs.remove(acme, { runId });
    await eventually(async () => {
      const { rows } = await other.asService((transaction) =>
        sql`select 1 from pg_locks where not granted and locktype = 'transactionid'`.execute(transaction),
      );
      return rows.length > 0;
    });
    let isRetried = false;
    const retrying = orchestrator.runs
      .retry(acme, { runId, id: 'again', from: 'only' })
      .then(() => (isRetried = true))
      .catch((error: unknown) => error);
    // Time enough for a retry that does not wait.
    for (let asked = 0; asked < 100; asked += 1) await orchestrator.reader.get('acme', runId);
    expect(isRetried).toBe(false);
    release.resolve();
    await holding;
    expect(await removing).toMatchObject({ id: runId });
    expect(await retrying).toMatchObject({ code: 'run_removed' });
    expect(await rowsOf(runId)).toEqual(nothing);
  });
});
