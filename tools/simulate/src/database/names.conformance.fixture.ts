/** What every store of graphs and of schedules must do: what tenants name, and see only where it is theirs or shipped. */
import { describe, expect, it } from '@jest/globals';
import { newId } from '@millrace/kernel';
import type { OrchestratorStores } from '@millrace/orchestrator/core';
import { at } from './batches.fixture.js';

const graph = (name: string, digest: string) => ({
  name,
  digest,
  description: `Of ${digest}.`,
  document: { of: digest },
});
const newName = (): string => newId('g').replaceAll('_', '-');
const newTenant = (): string => newId('ten');

export function graphsConformance(open: () => OrchestratorStores['graphs']): void {
  it('are numbered from 1 on, and the same document has one version', async () => {
    const [store, tenantId, name] = [open(), newTenant(), newName()];
    expect(await store.publish(tenantId, graph(name, 'a'))).toMatchObject({ ...graph(name, 'a'), version: 1 });
    expect(await store.publish(tenantId, graph(name, 'b'))).toMatchObject({ version: 2, document: { of: 'b' } });
    expect(await store.publish(tenantId, graph(name, 'a'))).toMatchObject({ version: 1, document: { of: 'a' } });
    expect(await store.get(tenantId, name)).toMatchObject({ ...graph(name, 'b'), version: 2 });
    expect(await store.get(tenantId, name, 1)).toMatchObject({ ...graph(name, 'a'), version: 1 });
    expect(await store.get(tenantId, name, 3)).toBeUndefined();
    const wanted = [
      { tenantId, name },
      { tenantId, name: newName() },
      { tenantId, name, version: 1 },
    ];
    const identities = [{ name, version: 2, digest: 'b' }, undefined, { name, version: 1, digest: 'a' }];
    expect(await store.identify(wanted)).toEqual(identities);
  });

  it('of other tenants do not exist, and shipped ones do, behind those of a tenant', async () => {
    const [store, tenantId, other, name] = [open(), newTenant(), newTenant(), newName()];
    await store.seedShipped([graph(name, 'shipped')]);
    await store.seedShipped([graph(name, 'shipped')]);
    expect(await store.get(tenantId, name)).toMatchObject({ version: 1, digest: 'shipped' });
    expect(await store.publish(tenantId, graph(name, 'own'))).toMatchObject({ version: 2 });
    expect(await store.publish(tenantId, graph(name, 'shipped'))).toMatchObject({ version: 1 });
    expect(await store.get(tenantId, name)).toMatchObject({ digest: 'own' });
    expect(await store.get(tenantId, name, 1)).toMatchObject({ digest: 'shipped' });
    expect(await store.get(other, name)).toMatchObject({ digest: 'shipped' });
    expect(await store.identify([{ tenantId: other, name }])).toEqual([{ name, version: 1, digest: 'shipped' }]);
    const identity = { name, version: 2, digest: 'own' };
    expect(await store.documentOf(tenantId, identity)).toEqual({ of: 'own' });
    expect(await store.documentOf(other, identity)).toBeUndefined();
    expect(await store.documentOf(other, { ...identity, digest: 'shipped' })).toEqual({ of: 'shipped' });
  });

  it('that came with a run are found by it alone', async () => {
    const [store, tenantId, name] = [open(), newTenant(), newName()];
    for (let time = 0; time < 2; time += 1) await store.keepInline(tenantId, graph(name, 'inline'));
    expect(await store.documentOf(tenantId, { name, version: 1, digest: 'inline' })).toEqual({ of: 'inline' });
    expect(await store.get(tenantId, name)).toBeUndefined();
    expect(await store.identify([{ tenantId, name }])).toEqual([undefined]);
    expect((await store.list(tenantId, '', 1_000)).some((listed) => listed.name === name)).toBe(false);
  });

  it('are listed by name, the newest version of each', async () => {
    const [store, tenantId] = [open(), newTenant()];
    const names = [newName(), newName(), newName()].sort();
    for (const name of names.toReversed()) await store.publish(tenantId, graph(name, 'a'));
    await store.publish(tenantId, graph(names[1] ?? '', 'b'));
    const listed = async (after: string, limit: number) =>
      (await store.list(tenantId, after, limit))
        .filter(({ name }) => names.includes(name))
        .map(({ name, version }) => `${name}@${version}`);
    const all = names.map((name, index) => `${name}@${index === 1 ? 2 : 1}`);
    expect(await listed('', 1_000)).toEqual(all);
    expect(await listed(names[0] ?? '', 1_000)).toEqual(all.slice(1));
    expect(await listed(names[0] ?? '', 1)).toEqual(all.slice(1, 2));
  });
}

const spec = { graph: 'g', input: {}, cron: '* * * * *', timeZone: 'UTC' } as const;
const policies = { overlap: 'skip', catchUp: 'latest', paused: false } as const;
const rowAt = (seconds: number | null, now = 0) => ({
  ...{ spec: { ...spec, ...policies }, now: new Date(at(now)) },
  nextAt: seconds === null ? null : new Date(at(seconds)),
});

export function schedulesConformance(open: () => OrchestratorStores['schedules']): void {
  const dueOf = async (tenantId: string, seconds: number) =>
    (await open().due(new Date(at(seconds)), 10_000)).filter((row) => row.tenant_id === tenantId);

  it('are created once, found by their tenant, changed and deleted', async () => {
    const [store, tenantId, id] = [open(), newTenant(), newId('sch')];
    await store.insert(tenantId, id, rowAt(10));
    await store.insert(tenantId, id, rowAt(20, 5));
    expect(await store.find(tenantId, id)).toMatchObject({
      ...{ tenant_id: tenantId, schedule_id: id, spec: rowAt(10).spec, next_at: new Date(at(10)), waiting: false },
      ...{ last_at: null, last_run_id: null, last_reason: null, created_at: new Date(at(0)) },
    });
    expect(await store.find(newTenant(), id)).toBeUndefined();
    await store.update(tenantId, id, rowAt(null, 7));
    expect(await store.find(tenantId, id)).toMatchObject({ next_at: null, updated_at: new Date(at(7)) });
    expect(await store.delete(newTenant(), id)).toBe(false);
    expect([await store.delete(tenantId, id), await store.delete(tenantId, id)]).toEqual([true, false]);
  });

  it('are listed newest first', async () => {
    const [store, tenantId] = [open(), newTenant()];
    const ids = [newId('sch'), newId('sch'), newId('sch')];
    for (const [index, id] of ids.entries()) await store.insert(tenantId, id, rowAt(null, index === 2 ? 1 : index));
    const [first = '', ...rest] = ids;
    const newest = [...rest.sort().reverse(), first];
    const list = async (after: { createdAt: string; id: string } | null, limit = 9) =>
      (await store.list(tenantId, after, limit)).map((row) => row.schedule_id);
    expect(await list(null)).toEqual(newest);
    expect(await list({ createdAt: at(1), id: newest[0] ?? '' })).toEqual(newest.slice(1));
    expect(await list(null, 1)).toEqual(newest.slice(0, 1));
  });

  it('are due from their moment on, those first that have been the longest', async () => {
    const [store, tenantId] = [open(), newTenant()];
    const [late, soon, paused] = [newId('sch'), newId('sch'), newId('sch')];
    await store.insert(tenantId, late, rowAt(20));
    await store.insert(tenantId, soon, rowAt(10));
    await store.insert(tenantId, paused, rowAt(null));
    expect(await dueOf(tenantId, 9)).toEqual([]);
    expect((await dueOf(tenantId, 20)).map((row) => row.schedule_id)).toEqual([soon, late]);
  });

  describe('that were dealt with', () => {
    it('go on, unless they were changed meanwhile', async () => {
      const [store, tenantId, id] = [open(), newTenant(), newId('sch')];
      await store.insert(tenantId, id, rowAt(10));
      const [seen] = await dueOf(tenantId, 10);
      if (seen === undefined) throw new Error('It is due.');
      const firedFor = new Date(at(10));
      const nextAt = new Date(at(70));
      await store.advance(seen, { nextAt, firedFor, dealt: { runId: 'run_1', reason: null } });
      await store.advance(seen, { nextAt: new Date(at(99)) });
      const after = await store.find(tenantId, id);
      expect(after).toMatchObject({ next_at: nextAt, last_at: firedFor, last_run_id: 'run_1', last_reason: null });
      if (after === undefined) throw new Error('It is there.');
      await store.advance(after, {
        nextAt,
        firedFor: nextAt,
        dealt: { runId: null, reason: 'overlap' },
        waiting: true,
      });
      const skipped = { last_at: nextAt, last_run_id: 'run_1', last_reason: 'overlap', waiting: true };
      expect(await store.find(tenantId, id)).toMatchObject(skipped);
      await store.update(tenantId, id, rowAt(30, 8));
      await store.advance(after, { nextAt: new Date(at(99)) });
      expect(await store.find(tenantId, id)).toMatchObject({ next_at: new Date(at(30)), waiting: false });
    });
  });
}
