import type { OrchestratorStores } from '@millrace/orchestrator/core';
import { isBehind, newestFirst, type Place } from './pages.js';
import type { Ask } from './stores.js';
import type { Tables } from './tables.js';

type Schedules = OrchestratorStores['schedules'];
export type ScheduleRow = Awaited<ReturnType<Schedules['due']>>[number];

const placeOf = (row: ScheduleRow): Place => [row.created_at.toISOString(), row.schedule_id];

export function scheduleStore(ask: Ask, { schedules }: Tables): Schedules {
  const textOf = (tenantId: string, id: string): string => `${tenantId}/${id}`;
  // Copies: what a statement gave stays as it was when the row is changed.
  const copyOf = (row: ScheduleRow | undefined): ScheduleRow | undefined => row && { ...row };
  const newest = (tenantId: string): ScheduleRow[] =>
    newestFirst(
      [...schedules.values()].filter((row) => row.tenant_id === tenantId),
      placeOf,
    ).map((row) => ({ ...row }));
  return {
    insert: (tenantId, id, { spec, nextAt, now }) =>
      ask('insert schedule', () => {
        if (schedules.has(textOf(tenantId, id))) return;
        schedules.set(textOf(tenantId, id), {
          ...{ tenant_id: tenantId, schedule_id: id, spec, next_at: nextAt, waiting: false },
          ...{ last_at: null, last_reason: null, last_run_id: null, created_at: now, updated_at: now },
        });
      }),
    find: (tenantId, id) => ask('find schedule', () => copyOf(schedules.get(textOf(tenantId, id)))),
    list: (tenantId, after, limit) =>
      ask('list schedules', () =>
        newest(tenantId)
          .filter((row) => after === null || isBehind(placeOf(row), [after.createdAt, after.id]))
          .slice(0, limit),
      ),
    update: (tenantId, id, { spec, nextAt, now }) =>
      ask('update schedule', () => {
        const row = schedules.get(textOf(tenantId, id));
        if (row !== undefined) Object.assign(row, { spec, next_at: nextAt, waiting: false, updated_at: now });
      }),
    delete: (tenantId, id) => ask('delete schedule', () => schedules.delete(textOf(tenantId, id))),
    due: (now, limit) =>
      ask('due schedules', () =>
        [...schedules.values()]
          .filter((row) => row.next_at !== null && row.next_at <= now)
          .sort((one, other) => Number(one.next_at) - Number(other.next_at))
          .slice(0, limit)
          .map((row) => ({ ...row })),
      ),
    advance: (seen, { nextAt, firedFor, dealt, waiting = false }) =>
      ask('advance schedule', () => {
        const row = schedules.get(textOf(seen.tenant_id, seen.schedule_id));
        if (row?.updated_at.getTime() !== seen.updated_at.getTime()) return;
        if (row.next_at?.getTime() !== seen.next_at?.getTime()) return;
        Object.assign(row, {
          ...{ next_at: nextAt, waiting },
          ...(firedFor !== undefined && { last_at: firedFor }),
          ...(dealt !== undefined && { last_reason: dealt.reason }),
          ...(dealt?.runId != null && { last_run_id: dealt.runId }),
        });
      }),
  };
}
