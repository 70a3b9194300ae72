/** What every orchestrator's store must do, in whatever it keeps its rows. Other tests of one database may go on beside it. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@millrace/kernel';
import type { OrchestratorStores } from '@millrace/orchestrator/core';
import { approvalRowOf, at, batchOf, eventOf, runRowOf, slotOf, timerOf, waitOf } from './batches.fixture.js';
import type { Key, Rows } from './batches.fixture.js';

const anHour = 3_600_000;
const everywhere = Array.from({ length: 16 }, (_, partition) => partition);

export function storesConformance(open: () => OrchestratorStores): void {
  let stores: OrchestratorStores;
  let epochs: Map<number, number>;
  /** Runs of a tenant of their own, the first in partition 0, the second in 1, and so on. */
  const keysOf = (count: number): Key[] => {
    const tenantId = newId('ten');
    return Array.from({ length: count }, (_, partition) => ({ partition, tenantId, runId: newId('run') }));
  };
  const commit = (rows: Rows, changed: Readonly<Record<number, number>> = {}) => {
    const batch = batchOf(rows);
    const partitions = [...batch.partitions];
    const claimed = partitions.map((each) => (epochs.get(each) ?? 0) + (changed[each] ?? 0));
    return stores.runs.commit(batch, { owner: 'owner', partitions, epochs: claimed });
  };
  const load = async (keys: readonly Key[], options = {}) =>
    Map.groupBy(await stores.runs.load(keys, options), ({ key }) => key.runId);
  const timersOf = async ({ runId }: Key) => {
    const due = await stores.timers.dueUntil(everywhere, new Date(at(1_000)), 10_000);
    return due.filter(({ key }) => key.runId === runId).map(({ timer }) => `${timer.node} ${timer.dueAt}`);
  };

  beforeAll(async () => {
    stores = open();
    const leases = stores.leases('owner', anHour);
    epochs = new Map(
      (await leases.acquire(16, { andOwn: true, now: new Date() })).map(({ partition, epoch }) => [partition, epoch]),
    );
    expect(epochs.size).toBe(16);
  });

  describe('a batch', () => {
    it('is stored, and its runs are loaded with their events in order', async () => {
      const [one, other] = keysOf(2) as [Key, Key];
      const events = [eventOf(one, 1), eventOf(one, 2, { id: 'x' })];
      const held = await commit({
        events: [...events, eventOf(other, 1)],
        runs: [one, other].map((key) => runRowOf(key)),
      });
      expect([...held].sort()).toEqual([0, 1]);
      await commit({
        events: [eventOf(other, 2)],
        runs: [runRowOf(other, { status: 'completed', finishedAt: at(9), steps: '[]', output: '1', lastPosition: 2 })],
      });
      const unknown = { ...one, runId: newId('run') };
      const found = await load([one, other, unknown]);
      expect(found.size).toBe(2);
      const graph = { name: 'g', version: 1, digest: 'd1' };
      expect(found.get(one.runId)?.[0]).toMatchObject({ key: one, graph, ended: false });
      expect(found.get(one.runId)?.[0]?.events).toEqual([
        { position: 1, type: 'SignalReceived', at: at(1), data: {} },
        { position: 2, type: 'SignalReceived', at: at(2), data: { id: 'x' } },
      ]);
      expect(found.get(other.runId)?.[0]).toMatchObject({ ended: true, events: [] });
      expect((await load([other], { andEnded: true })).get(other.runId)?.[0]?.events).toHaveLength(2);
    });

    it('writes nothing of a partition that is held in another epoch, and all of the others', async () => {
      const [mine, lost] = keysOf(2) as [Key, Key];
      const rowsOf = (key: Key) => ({ event: eventOf(key, 1), run: runRowOf(key), timer: timerOf(key, 'n', 5) });
      const rows = [mine, lost].map(rowsOf);
      const both = [mine, lost];
      const held = await commit(
        {
          ...{ events: rows.map(({ event }) => event), runs: rows.map(({ run }) => run) },
          ...{ timersSet: rows.map(({ timer }) => timer), waitsBegun: both.map((key) => waitOf(key, 'w')) },
          slotsSet: both.map((key) => slotOf(key, 's', 1, { keys: JSON.stringify([key.runId]) })),
          approvals: both.map((key) => approvalRowOf(key, `apr_${key.runId}`)),
        },
        { 1: -1 },
      );
      expect([...held]).toEqual([0]);
      expect([...(await load([mine, lost])).keys()]).toEqual([mine.runId]);
      expect(await timersOf(lost)).toEqual([]);
      expect(await timersOf(mine)).toHaveLength(1);
      const waits = (await stores.eventWaits.ofPartitions([0, 1])).map(({ key }) => key.runId);
      expect([waits.includes(mine.runId), waits.includes(lost.runId)]).toEqual([true, false]);
      expect((await stores.slots.grant(mine.tenantId)).map(({ key }) => key.runId)).toEqual([mine.runId]);
      const approvals = await stores.approvals.list(mine.tenantId, {}, null, 10);
      expect(approvals.map(({ runId }) => runId)).toEqual([mine.runId]);
    });

    it('of another owner writes nothing', async () => {
      const [key] = keysOf(1) as [Key];
      const claim = { owner: 'another', partitions: [0], epochs: [epochs.get(0) ?? 0] };
      const held = await stores.runs.commit(batchOf({ events: [eventOf(key, 1)], runs: [runRowOf(key)] }), claim);
      expect([held.size, (await load([key])).size]).toEqual([0, 0]);
    });

    it('is refused as a whole where the position of one of its events is taken', async () => {
      const [taken, other] = keysOf(2) as [Key, Key];
      await commit({ events: [eventOf(taken, 1)], runs: [runRowOf(taken)] });
      const second = commit({
        events: [eventOf(other, 1), eventOf(taken, 1)],
        runs: [runRowOf(other)],
        timersSet: [timerOf(other, 'n', 5)],
      });
      await expect(second).rejects.toMatchObject({ code: '23505' });
      expect([(await load([other])).size, await timersOf(other)]).toEqual([0, []]);
    });

    it("changes a run's row, but not what it began with", async () => {
      const [key] = keysOf(1) as [Key];
      await commit({ events: [eventOf(key, 1)], runs: [runRowOf(key)] });
      const later = { status: 'failed', input: '{"b":2}', createdAt: at(50), finishedAt: at(60), graphVersion: 2 };
      const error = '{"code":"c","message":"m"}';
      await commit({
        events: [eventOf(key, 2)],
        runs: [runRowOf(key, { ...later, error, graphDigest: 'd2', steps: '[]' })],
      });
      const reader = stores.reader({} as never);
      expect(await reader.get(key.tenantId, key.runId)).toMatchObject({
        ...{ id: key.runId, status: 'failed', input: { a: 1 }, createdAt: at(0), finishedAt: at(60), steps: [] },
        ...{ error: { code: 'c', message: 'm' }, graph: { name: 'g', version: 2, digest: 'd2' } },
      });
    });
  });

  it('give the runs of a partition that go on, and those that ended since', async () => {
    const [, open, ended] = keysOf(3) as [Key, Key, Key];
    const inOne = { ...ended, partition: 1 };
    await commit({ events: [eventOf(open, 1)], runs: [runRowOf(open, { createdAt: at(10) })] });
    await commit({
      events: [eventOf(inOne, 1)],
      runs: [runRowOf(inOne, { status: 'failed', finishedAt: at(20), steps: '[]' })],
    });
    const mine = (keys: readonly { readonly tenantId: string; readonly runId: string }[]) =>
      keys
        .filter(({ tenantId }) => tenantId === open.tenantId)
        .map(({ runId }) => runId)
        .sort();
    expect(mine(await stores.runs.unpublishedRuns(1, new Date(at(20))))).toEqual([open.runId, ended.runId].sort());
    expect(mine(await stores.runs.unpublishedRuns(1, new Date(at(21))))).toEqual([open.runId]);
    expect(mine(await stores.runs.unpublishedRuns(2, new Date(at(0))))).toEqual([]);
    expect(mine(await stores.runs.unfinishedRuns(1, new Date(at(11))))).toEqual([open.runId]);
    expect(mine(await stores.runs.unfinishedRuns(1, new Date(at(10))))).toEqual([]);
  });

  it('keep timers until they are dropped, at the moment that was said last', async () => {
    const [key] = keysOf(1) as [Key];
    await commit({ timersSet: [timerOf(key, 'a', 8), timerOf(key, 'b', 6), timerOf(key, 'c', 7)] });
    await commit({
      timersSet: [timerOf(key, 'a', 5)],
      timersDropped: [timerOf(key, 'c', 7), timerOf(key, 'never', 1)],
    });
    expect(await timersOf(key)).toEqual([`a ${at(5)}`, `b ${at(6)}`]);
    const due = await stores.timers.dueUntil([0], new Date(at(5)), 10_000);
    expect(due.filter(({ key: { runId } }) => runId === key.runId)).toHaveLength(1);
    expect(await stores.timers.dueUntil([0], new Date(at(1_000)), 1)).toHaveLength(1);
    expect(await stores.timers.dueUntil([], new Date(at(1_000)), 1)).toEqual([]);
  });

  it('keep who waits for events at the place that was said first', async () => {
    const [key] = keysOf(1) as [Key];
    await commit({ waitsBegun: [waitOf(key, 'a', 3), waitOf(key, 'b', 4)] });
    await commit({ waitsBegun: [waitOf(key, 'a', 9)], waitsEnded: [waitOf(key, 'b')] });
    const found = (await stores.eventWaits.ofPartitions([0])).filter((wait) => wait.key.runId === key.runId);
    const wait = { node: 'a', attempt: 1, subject: 'run.*.v1' };
    expect(found).toEqual([{ key, wait, position: { stream: 's', after: 3 } }]);
  });

  it('give room to the oldest first, all keys at once, and again when it is given back', async () => {
    const [key] = keysOf(1) as [Key];
    const both = { keys: '["printer","scanner"]', limits: '[1,1]' };
    await commit({ slotsSet: [slotOf(key, 'late', 3), slotOf(key, 'first', 1), slotOf(key, 'both', 2, both)] });
    const granted = async () => (await stores.slots.grant(key.tenantId)).map(({ node }) => node);
    expect(await granted()).toEqual(['first']);
    expect(await granted()).toEqual([]);
    expect(await stores.slots.open([0])).toMatchObject({
      granted: expect.arrayContaining([{ key, node: 'first', attempt: 1 }]) as unknown,
      waiting: expect.arrayContaining([key.tenantId]) as unknown,
    });
    await commit({ slotsSet: [slotOf(key, 'first', 1, { taken: true })] });
    expect(await granted()).toEqual([]);
    expect((await stores.slots.open([0])).granted).not.toContainEqual({ key, node: 'first', attempt: 1 });
    await commit({ slotsDropped: [slotOf(key, 'first', 1)] });
    expect(await granted()).toEqual(['both']);
  });

  it('keep outputs for a while, for their tenant', async () => {
    const [tenantId, other] = [newId('ten'), newId('ten')];
    await stores.outputs.keep(tenantId, 'work', { json: '{"a":1}', ttlMs: anHour });
    await stores.outputs.keep(tenantId, 'work', { json: '[2]', ttlMs: anHour });
    await stores.outputs.keep(tenantId, 'gone', { json: '3', ttlMs: -1 });
    expect(await stores.outputs.find(tenantId, 'work')).toEqual({ output: [2] });
    expect(await stores.outputs.find(tenantId, 'gone')).toBeUndefined();
    expect(await stores.outputs.find(other, 'work')).toBeUndefined();
  });

  it('give approvals to their tenant, the newest first', async () => {
    const [key] = keysOf(1) as [Key];
    const ids = [1, 2, 3].map((number) => newId(`apr${number}`));
    const [first = '', second = '', third = ''] = ids;
    const asked = ids.map((id, index) => approvalRowOf(key, id, { requestedAt: at(index === 2 ? 2 : index + 1) }));
    await commit({ approvals: asked });
    const decided = { status: 'approved', decidedAt: at(9), decidedBy: '{"kind":"deadline"}', data: '{"n":1}' };
    await commit({ approvals: [approvalRowOf(key, first, { ...decided, title: 'Another' })] });
    const list = async (filter: object, after: { requestedAt: string; approvalId: string } | null = null, limit = 9) =>
      (await stores.approvals.list(key.tenantId, filter, after, limit)).map(({ id }) => id);
    const newer = [second, third].sort().reverse() as [string, string];
    expect(await list({})).toEqual([...newer, first]);
    expect(await list({ status: 'approved' })).toEqual([first]);
    expect(await list({ runId: newId('run') })).toEqual([]);
    expect(await list({}, { requestedAt: at(2), approvalId: newer[0] })).toEqual([newer[1], first]);
    expect(await list({}, null, 1)).toEqual([newer[0]]);
    expect(await stores.approvals.get(key.tenantId, first)).toMatchObject({
      ...{
        id: first,
        status: 'approved',
        title: 'T',
        decidedAt: at(9),
        decidedBy: { kind: 'deadline' },
        data: { n: 1 },
      },
    });
    await expect(stores.approvals.get(newId('ten'), first)).rejects.toMatchObject({ code: 'unknown_approval' });
  });

  it('show runs to their tenant, the newest first, and their events page by page', async () => {
    const keys = keysOf(3);
    const [one, two, three] = keys as [Key, Key, Key];
    const rows = keys.map((key, index) => runRowOf(key, { createdAt: at(index), lastPosition: 2 }));
    await commit({ events: keys.map((key) => eventOf(key, 1, { id: key.runId })), runs: rows });
    await commit({
      events: [eventOf(one, 2)],
      runs: [runRowOf(one, { status: 'completed', finishedAt: at(5), steps: '[]', lastPosition: 2 })],
    });
    const reader = stores.reader({} as never);
    const list = async (filter: object, after: { createdAt: string; runId: string } | null = null, limit = 9) =>
      (await reader.list(one.tenantId, filter, after, limit)).map(({ id }) => id);
    expect(await list({})).toEqual([three.runId, two.runId, one.runId]);
    expect(await list({ status: 'completed' })).toEqual([one.runId]);
    expect(await list({ graph: 'other' })).toEqual([]);
    expect(await list({}, { createdAt: at(2), runId: three.runId }, 1)).toEqual([two.runId]);
    const page = (key: Key, after: number, limit = 9) => reader.events(key.tenantId, key.runId, { after, limit });
    expect(await page(one, 0, 1)).toMatchObject({ events: [{ position: 1 }], done: false });
    expect(await page(one, 1)).toMatchObject({ events: [{ position: 2 }], done: true });
    expect(await page(two, 1)).toEqual({ events: [], done: false });
    expect(await reader.hasSignal(two.tenantId, two.runId, two.runId)).toBe(true);
    expect(await reader.hasSignal(two.tenantId, two.runId, 'other')).toBe(false);
    await expect(reader.get(newId('ten'), one.runId)).rejects.toMatchObject({ code: 'unknown_run' });
    await expect(page({ ...one, tenantId: newId('ten') }, 0)).rejects.toMatchObject({ code: 'unknown_run' });
  });
}
