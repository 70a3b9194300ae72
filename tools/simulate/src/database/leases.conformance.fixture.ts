/** What every store of leases must do. Nobody else may take partitions of the same database meanwhile. */
import { expect, it } from '@jest/globals';
import type { OrchestratorStores } from '@millrace/orchestrator/core';

const anHour = 3_600_000;
const early = new Date('2026-01-01T00:00:00.000Z');
const late = new Date('2026-01-01T00:10:00.000Z');

export function leasesConformance(open: () => OrchestratorStores): void {
  const replica = (name: string, ttlMs = anHour) => open().leases(name, ttlMs);

  it('are taken over by one replica at a time, each time in another epoch', async () => {
    const [a, b] = [replica('a'), replica('b')];
    const taken = await a.acquire(3, { andOwn: false, now: early });
    expect(taken.map(({ partition }) => partition).sort()).toEqual([0, 1, 2]);
    expect(await a.acquire(0, { andOwn: false, now: early })).toEqual([]);
    const others = await b.acquire(100, { andOwn: true, now: early });
    expect(others).toHaveLength(13);
    expect(others.some(({ partition }) => partition < 3)).toBe(false);
    expect(await a.acquire(100, { andOwn: false, now: early })).toEqual([]);
    const own = await a.acquire(100, { andOwn: true, now: early });
    const epochs = new Map(taken.map(({ partition, epoch }) => [partition, epoch]));
    expect(own.map(({ partition, epoch }) => epoch - (epochs.get(partition) ?? 0))).toEqual([1, 1, 1]);
    await b.release(others.map((lease) => ({ ...lease, publishedUntil: early })));
    await a.release(own.map((lease) => ({ ...lease, publishedUntil: early })));
  });

  it('are renewed by whoever holds them, in their epoch, with how far they were published', async () => {
    const [a, b] = [replica('a'), replica('b')];
    const [lease] = await a.acquire(1, { andOwn: false, now: late });
    if (lease === undefined) throw new Error('A partition is free.');
    const { partition, epoch } = lease;
    const report = { partition, epoch, publishedUntil: late };
    expect(await b.renew([report])).toEqual(new Set());
    expect(await a.renew([{ ...report, epoch: epoch - 1 }])).toEqual(new Set());
    expect(await a.renew([report])).toEqual(new Set([partition]));
    expect(await a.renew([])).toEqual(new Set());
    await b.release([report]);
    const others = await b.acquire(100, { andOwn: false, now: late });
    expect(others.map((each) => each.partition)).not.toContain(partition);
    await a.release([report]);
    const [back] = await b.acquire(1, { andOwn: false, now: early });
    // The one before said later; the one after may have a clock that is slow.
    expect(back).toEqual({ partition, epoch: epoch + 1, publishedUntil: late });
    await b.release([{ partition, epoch: epoch + 1, publishedUntil: early }]);
    const again = { partition, epoch: epoch + 2, publishedUntil: early };
    expect(await a.acquire(1, { andOwn: false, now: late })).toEqual([again]);
    await a.release([again]);
    await b.release(others.map((each) => ({ ...each, publishedUntil: early })));
  });

  it('that have run out belong to whoever comes', async () => {
    const [short, other] = [replica('short', -1), replica('other')];
    const [lease] = await short.acquire(1, { andOwn: true, now: early });
    const taken = await other.acquire(100, { andOwn: false, now: early });
    expect(taken).toContainEqual({ ...lease, epoch: (lease?.epoch ?? 0) + 1, publishedUntil: early });
  });

  it('are shared by the replicas that are alive', async () => {
    const [a, b, gone] = [replica('a'), replica('b'), replica('gone', -1)];
    await a.leave();
    const others = await gone.announce();
    expect(await a.announce()).toBe(others + 1);
    expect(await b.announce()).toBe(others + 2);
    expect(await a.announce()).toBe(others + 2);
    await b.leave();
    expect(await a.announce()).toBe(others + 1);
  });
}
