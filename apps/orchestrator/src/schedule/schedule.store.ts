/** Schedules in the database: on behalf of their tenant, and, for the one who fires them, over all tenants. */
import type { ScheduleSpec } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { sql, type Selectable } from 'kysely';
import type { OrchestratorTables } from '../schema/tables.js';

export type ScheduleRow = Selectable<OrchestratorTables['schedule']>;

export interface ScheduleCursor {
  readonly createdAt: string;
  readonly id: string;
}

/** What came of a fire time. */
export interface Dealt {
  readonly runId: string | null;
  readonly reason: string | null;
}

export class ScheduleStore {
  constructor(private readonly database: Database<OrchestratorTables>) {}

  /** Stores a schedule unless one of its id is there. */
  async insert(
    tenantId: string,
    id: string,
    row: { spec: ScheduleSpec; nextAt: Date | null; now: Date },
  ): Promise<void> {
    const { spec, nextAt, now } = row;
    await this.database.forTenant(tenantId, (transaction) =>
      transaction
        .insertInto('schedule')
        .values({
          ...{ tenant_id: tenantId, schedule_id: id, spec: JSON.stringify(spec), next_at: nextAt },
          ...{ created_at: now, updated_at: now },
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    );
  }

  async find(tenantId: string, id: string): Promise<ScheduleRow | undefined> {
    return await this.database.forTenant(tenantId, (transaction) =>
      transaction.selectFrom('schedule').selectAll().where('schedule_id', '=', id).executeTakeFirst(),
    );
  }

  /** Newest first, after a cursor. */
  async list(tenantId: string, after: ScheduleCursor | null, limit: number): Promise<ScheduleRow[]> {
    return await this.database.forTenant(tenantId, (transaction) => {
      let query = transaction
        .selectFrom('schedule')
        .selectAll()
        .orderBy('created_at', 'desc')
        .orderBy('schedule_id', 'desc');
      if (after !== null) {
        query = query.where(sql<boolean>`(created_at, schedule_id) < (${after.createdAt}::timestamptz, ${after.id})`);
      }
      return query.limit(limit).execute();
    });
  }

  async update(
    tenantId: string,
    id: string,
    row: { spec: ScheduleSpec; nextAt: Date | null; now: Date },
  ): Promise<void> {
    await this.database.forTenant(tenantId, (transaction) =>
      transaction
        .updateTable('schedule')
        .set({ spec: JSON.stringify(row.spec), next_at: row.nextAt, waiting: false, updated_at: row.now })
        .where('schedule_id', '=', id)
        .execute(),
    );
  }

  /** Whether there was one. */
  async delete(tenantId: string, id: string): Promise<boolean> {
    const deleted = await this.database.forTenant(tenantId, (transaction) =>
      transaction.deleteFrom('schedule').where('schedule_id', '=', id).returning('schedule_id').execute(),
    );
    return deleted.length > 0;
  }

  /** The schedules of all tenants whose time has come, those that are due the longest first. */
  async due(now: Date, limit: number): Promise<ScheduleRow[]> {
    return await this.database.asService((transaction) =>
      transaction
        .selectFrom('schedule')
        .selectAll()
        .where('next_at', '<=', now)
        .orderBy('next_at')
        .limit(limit)
        .execute(),
    );
  }

  /** Goes on to the next fire time, unless the schedule was changed meanwhile. `dealt` is absent for times that are passed over. */
  async advance(
    row: ScheduleRow,
    to: { nextAt: Date | null; firedFor?: Date; dealt?: Dealt; waiting?: boolean },
  ): Promise<void> {
    const { nextAt, firedFor, dealt, waiting = false } = to;
    await this.database.asService((transaction) =>
      transaction
        .updateTable('schedule')
        .set({
          ...{ next_at: nextAt, waiting },
          ...(firedFor !== undefined && { last_at: firedFor }),
          // A time without a run leaves the run of before in its place: it is what the next one may overlap with.
          ...(dealt !== undefined && { last_reason: dealt.reason }),
          ...(dealt?.runId != null && { last_run_id: dealt.runId }),
        })
        .where('tenant_id', '=', row.tenant_id)
        .where('schedule_id', '=', row.schedule_id)
        .where('updated_at', '=', row.updated_at)
        .where('next_at', '=', row.next_at)
        .execute(),
    );
  }
}
