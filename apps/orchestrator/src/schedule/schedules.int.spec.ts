import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ScheduleSpec } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { backendKinds, eventually } from '@millrace/testing';
import { acme, ended, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { choosy, instant, patient } from '../run/graphs.fixture.js';
import { runIdOfFireTime } from './scheduler.js';

jest.setTimeout(60_000);

const minuteMs = 60_000;
/** The fire time of `* * * * *` that has just come, and those before it. */
const minute = (ago = 0): Date => new Date((Math.floor(Date.now() / minuteMs) - ago) * minuteMs);

describe.each(backendKinds)('schedules on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;

  beforeAll(async () => {
    world = await World.open(backend);
    orchestrator = await world.replica('replica-1', { config: { leaseMs: 3_000 } });
    for (const document of [instant, patient, choosy]) await world.publishUnchecked(document);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const create = async (changes: Partial<ScheduleSpec> = {}): Promise<string> => {
    const spec = { graph: 'test-instant', input: {}, cron: '* * * * *', timeZone: 'UTC', ...changes };
    const policies = { overlap: 'skip', catchUp: 'latest', paused: false } as const;
    return (await orchestrator.schedules.create('acme', newId('sch'), { ...policies, ...spec })).id;
  };
  /** Lets a fire time come, as if the clock had come to it. */
  const dueAt = (id: string, time: Date) =>
    world.database.asService((transaction) =>
      transaction.updateTable('schedule').set({ next_at: time }).where('schedule_id', '=', id).execute(),
    );
  const shown = (id: string) => orchestrator.schedules.get('acme', id);
  const dealtWith = (id: string, time: Date) =>
    eventually(async () => {
      const schedule = await shown(id);
      return schedule.last?.firedFor === time.toISOString() ? schedule : false;
    });
  const runsOf = async (id: string, times: readonly Date[]) => {
    const found = await orchestrator.reader.list('acme', {}, null, 200);
    const ids = new Set(found.map((run) => run.id));
    return times.map((time) => ids.has(runIdOfFireTime('acme', id, time)));
  };

  it('go on when the run of before was removed', async () => {
    const id = await create();
    const { id: runId } = await orchestrator.runs.start(acme, {
      runId: newId('run'),
      graph: 'test-instant',
      input: {},
    });
    const remove = () => orchestrator.runs.remove(acme, { runId });
    await eventually(async () => (await remove()).id === runId, { timeoutMs: 30_000 });
    const time = minute();
    await world.database.asService((transaction) =>
      transaction.updateTable('schedule').set({ last_run_id: runId }).where('schedule_id', '=', id).execute(),
    );
    await dueAt(id, time);
    expect((await dealtWith(id, time)).last).toMatchObject({ reason: null, runId: runIdOfFireTime('acme', id, time) });
  });

  it('start one run for each fire time, and show what comes', async () => {
    const id = await create();
    expect((await shown(id)).nextFireTimes).toHaveLength(5);
    const time = minute();
    await dueAt(id, time);
    const { last, nextFireTimes } = await dealtWith(id, time);
    expect(last).toMatchObject({ runId: runIdOfFireTime('acme', id, time), reason: null });
    expect(Date.parse(nextFireTimes[0] ?? '')).toBeGreaterThan(time.getTime());
    expect(await ended(orchestrator, last?.runId ?? '')).toMatchObject({ status: 'completed', output: 'done' });
    const before = await orchestrator.reader.list('acme', {}, null, 200);
    await dueAt(id, time);
    await eventually(async () => {
      const row = await world.database.asService((transaction) =>
        transaction.selectFrom('schedule').select('next_at').where('schedule_id', '=', id).executeTakeFirst(),
      );
      return row?.next_at?.getTime() !== time.getTime();
    });
    expect(await orchestrator.reader.list('acme', {}, null, 200)).toHaveLength(before.length);
  });

  it.each([
    ['none', 0],
    ['latest', 1],
    ['all', 3],
  ] as const)('make up for what was missed: %s', async (catchUp, expected) => {
    // Once an hour, so that no time lies within the minute in which nothing counts as missed.
    const hour = (ago: number) => new Date((Math.floor(Date.now() / 3_600_000) - ago) * 3_600_000);
    const inGrace = Date.now() - hour(0).getTime() < 2 * minuteMs;
    const half = inGrace ? 1_800_000 : 0;
    const times = [3, 2, 1].map((ago) => new Date(hour(ago).getTime() + half));
    const id = await create({ cron: `${half / minuteMs} * * * *`, catchUp });
    const [first = new Date()] = times;
    await dueAt(id, first);
    await eventually(async () => {
      const row = await world.database.asService((transaction) =>
        transaction.selectFrom('schedule').select('next_at').where('schedule_id', '=', id).executeTakeFirst(),
      );
      return (row?.next_at?.getTime() ?? 0) > Date.now();
    });
    const all = half === 0 ? [...times, hour(0)] : times;
    const made = (await runsOf(id, all)).filter(Boolean);
    expect(made).toHaveLength(catchUp === 'all' ? all.length : expected);
  });

  it('skip, queue or cancel while the run of before goes on, or allow both', async () => {
    const [earlier, time] = [minute(1), minute()];
    const outcome = async (overlap: ScheduleSpec['overlap']) => {
      const id = await create({ graph: 'test-patient', overlap, catchUp: 'all' });
      await dueAt(id, earlier);
      await eventually(async () => (await shown(id)).last !== null);
      const first = runIdOfFireTime('acme', id, new Date((await shown(id)).last?.firedFor ?? ''));
      await dueAt(id, time);
      return { id, first };
    };
    const skipped = await outcome('skip');
    await eventually(async () => (await shown(skipped.id)).last?.reason === 'overlap');
    const allowed = await outcome('allow');
    await dealtWith(allowed.id, time);
    expect(await orchestrator.reader.get('acme', allowed.first)).toMatchObject({ status: 'running' });
    const cancelled = await outcome('cancel-running');
    await dealtWith(cancelled.id, time);
    expect(await orchestrator.reader.get('acme', cancelled.first)).toMatchObject({ status: 'cancelled' });
    const queued = await outcome('queue');
    await eventually(async () => {
      const row = await world.database.asService((transaction) =>
        transaction.selectFrom('schedule').select('waiting').where('schedule_id', '=', queued.id).executeTakeFirst(),
      );
      return row?.waiting === true;
    });
    await orchestrator.runs.cancel(acme, { runId: queued.first, reason: 'enough' });
    await dealtWith(queued.id, time);
    for (const { id } of [skipped, allowed, cancelled, queued]) await orchestrator.schedules.delete('acme', id);
  });

  it('fire after a restart, once, with a second replica beside', async () => {
    const id = await create();
    await orchestrator.stop();
    const time = minute();
    await dueAt(id, time);
    const second = await world.replica('replica-2', { config: { leaseMs: 3_000 } });
    orchestrator = await world.replica('replica-3', { config: { leaseMs: 3_000 } });
    await dealtWith(id, time);
    expect(await runsOf(id, [time])).toEqual([true]);
    await second.stop();
  });

  it('rest while they are paused, and say why a run was refused', async () => {
    const id = await create({ paused: true });
    expect(await shown(id)).toMatchObject({ paused: true, nextFireTimes: [], last: null });
    const resumed = await orchestrator.schedules.update('acme', id, { paused: false });
    expect(resumed.nextFireTimes).toHaveLength(5);
    await world.database.asService((transaction) =>
      transaction
        .updateTable('schedule')
        .set({ spec: JSON.stringify({ ...resumed, graph: 'gone' }), next_at: minute() })
        .where('schedule_id', '=', id)
        .execute(),
    );
    await eventually(async () => (await shown(id)).last?.reason === 'unknown_graph');
    expect((await shown(id)).last).toMatchObject({ runId: null });
  });

  it('are refused where they cannot be kept, and nobody else sees them', async () => {
    await expect(create({ cron: '0 0 31 2 *' })).rejects.toMatchObject({ code: 'invalid_schedule' });
    await expect(create({ timeZone: 'Mars/Olympus' })).rejects.toMatchObject({ code: 'invalid_schedule' });
    await expect(create({ graph: 'nowhere' })).rejects.toMatchObject({ code: 'unknown_graph' });
    await expect(create({ graph: 'test-choosy', input: { topic: '' } })).rejects.toMatchObject({
      code: 'invalid_input',
      violations: [expect.objectContaining({ pointer: '/input/topic' })],
    });
    const id = await create();
    const unknown = { code: 'unknown_schedule', kind: 'not-found' };
    const { schedules } = orchestrator;
    await expect(schedules.get('other', id)).rejects.toMatchObject(unknown);
    await expect(schedules.update('other', id, { paused: true })).rejects.toMatchObject(unknown);
    await expect(schedules.delete('other', id)).rejects.toMatchObject(unknown);
    expect(await schedules.list('other', null, 10)).toEqual([]);
    await expect(schedules.update('acme', id, { cron: 'never' })).rejects.toMatchObject({ code: 'invalid_schedule' });
    expect(await shown(id)).toMatchObject({ cron: '* * * * *', paused: false });
    await schedules.delete('acme', id);
    await expect(schedules.delete('acme', id)).rejects.toMatchObject(unknown);
  });
});
