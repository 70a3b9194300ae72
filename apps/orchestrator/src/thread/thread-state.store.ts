/** Threads on behalf of their tenant: what they remember, and what they remembered. */
import type { Database } from '@millrace/database';
import type { JsonObject } from '@millrace/kernel';
import { sql, type Kysely } from 'kysely';
import type { OrchestratorTables } from '../schema/tables.js';
import { keptVersions } from './thread-statement.js';
import { lineAt, lockThread } from './thread.store.js';

export interface ThreadRow {
  readonly id: string;
  readonly version: number;
  /** The run that is under way, and how many wait. */
  readonly run: string | null;
  readonly queued: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface StateRow {
  readonly version: number;
  readonly state: JsonObject;
  readonly updatedAt: Date;
}

export interface VersionRow {
  readonly version: number;
  readonly state: JsonObject;
  readonly runId: string | null;
  readonly at: Date;
}

export interface ThreadCursor {
  readonly createdAt: string;
  readonly id: string;
}

export class ThreadStateStore {
  constructor(private readonly database: Database<OrchestratorTables>) {}

  async find(tenantId: string, threadId: string): Promise<ThreadRow | undefined> {
    const [found] = await this.rows(tenantId, sql`thread_id = ${threadId}`, 1);
    return found;
  }

  /** Newest first, after a cursor. */
  async list(tenantId: string, after: ThreadCursor | null, limit: number): Promise<ThreadRow[]> {
    const behind =
      after === null ? sql`true` : sql`(created_at, thread_id) < (${after.createdAt}::timestamptz, ${after.id})`;
    return await this.rows(tenantId, behind, limit);
  }

  async state(tenantId: string, threadId: string): Promise<StateRow | undefined> {
    return await this.database.forTenant(tenantId, (transaction) =>
      transaction
        .selectFrom('thread')
        .select(['version', 'state', 'updated_at as updatedAt'])
        .where('thread_id', '=', threadId)
        .executeTakeFirst(),
    );
  }

  /** The states that a thread had before a version, newest first; undefined where there is no such thread. */
  async history(
    tenantId: string,
    threadId: string,
    page: { readonly before: number | null; readonly limit: number },
  ): Promise<VersionRow[] | undefined> {
    return await this.database.forTenant(tenantId, async (transaction) => {
      const thread = await transaction
        .selectFrom('thread')
        .select('version')
        .where('thread_id', '=', threadId)
        .executeTakeFirst();
      if (thread === undefined) return undefined;
      return await transaction
        .selectFrom('thread_version')
        .select(['version', 'state', 'run_id as runId', 'at'])
        .where('thread_id', '=', threadId)
        .where('version', '<', page.before ?? thread.version + 1)
        .orderBy('version', 'desc')
        .limit(page.limit)
        .execute();
    });
  }

  /**
   * Changes a thread's state: `change` makes the next one of the one that is there, which is of version 0 and empty where there is no thread.
   * @throws what `change` throws; then nothing is changed
   */
  async change(
    tenantId: string,
    threadId: string,
    { now, change }: { readonly now: Date; readonly change: (before: StateRow, isThere: boolean) => JsonObject },
  ): Promise<StateRow> {
    return await this.database.forTenant(tenantId, async (transaction) => {
      await lockThread(transaction, { tenantId, threadId });
      const found = await transaction
        .selectFrom('thread')
        .select(['version', 'state', 'updated_at as updatedAt'])
        .where('thread_id', '=', threadId)
        // A run that ends meanwhile writes before this or after it.
        .forUpdate()
        .executeTakeFirst();
      const before = found ?? { version: 0, state: {}, updatedAt: now };
      const after = { version: before.version + 1, state: change(before, found !== undefined), updatedAt: now };
      await this.keep(transaction, { tenantId, threadId }, after);
      return after;
    });
  }

  /** Forgets a thread unless runs are at it, and gives the first of these. Says whether there was one. */
  async delete(
    tenantId: string,
    threadId: string,
  ): Promise<{ readonly kind: 'deleted' | 'unknown' } | { readonly kind: 'busy'; readonly runId: string }> {
    return await this.database.forTenant(tenantId, async (transaction) => {
      await lockThread(transaction, { tenantId, threadId });
      const line = await lineAt(transaction, { tenantId, threadId });
      const holder = line.find(({ isUnderWay }) => isUnderWay) ?? line[0];
      if (holder !== undefined) return { kind: 'busy', runId: holder.runId };
      await transaction.deleteFrom('thread_version').where('thread_id', '=', threadId).execute();
      const deleted = await transaction
        .deleteFrom('thread')
        .where('thread_id', '=', threadId)
        .returning('thread_id')
        .execute();
      return { kind: deleted.length > 0 ? 'deleted' : 'unknown' };
    });
  }

  private async rows(tenantId: string, condition: ReturnType<typeof sql>, limit: number): Promise<ThreadRow[]> {
    const found = await this.database.forTenant(tenantId, (transaction) =>
      sql<ThreadRow>`
        select thread.thread_id as id, version, created_at as "createdAt", updated_at as "updatedAt",
               line.run, line.queued
        from thread
        cross join lateral (
          select max(run_id) filter (where granted_at is not null) as run,
                 (count(*) filter (where granted_at is null))::integer as queued
          from thread_place
          where thread_place.tenant_id = thread.tenant_id and thread_place.thread_id = thread.thread_id and stored
        ) as line
        where ${condition}
        order by created_at desc, thread.thread_id desc
        limit ${limit}`.execute(transaction),
    );
    return found.rows;
  }

  private async keep(
    transaction: Kysely<OrchestratorTables>,
    { tenantId, threadId }: { readonly tenantId: string; readonly threadId: string },
    { version, state, updatedAt }: StateRow,
  ): Promise<void> {
    const row = { tenant_id: tenantId, thread_id: threadId, version, state: JSON.stringify(state) };
    await transaction
      .insertInto('thread')
      .values({ ...row, created_at: updatedAt, updated_at: updatedAt })
      .onConflict((conflict) =>
        conflict.columns(['tenant_id', 'thread_id']).doUpdateSet({ version, state: row.state, updated_at: updatedAt }),
      )
      .execute();
    await transaction
      .insertInto('thread_version')
      .values({ ...row, run_id: null, at: updatedAt })
      .execute();
    await transaction
      .deleteFrom('thread_version')
      .where('thread_id', '=', threadId)
      .where('version', '<=', version - keptVersions)
      .execute();
  }
}
