import { allowService, protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';

/** Runs may be removed. That one was there is known for a while longer, so that its name is not taken for a mistake. */
export const removedRuns = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table removed_run (
        tenant_id text not null,
        run_id text not null,
        removed_at timestamptz not null default now(),
        primary key (tenant_id, run_id)
      )`.execute(database);
    await sql`create index removed_run_age on removed_run (removed_at)`.execute(database);
    await protectTenantTable(database, 'removed_run', {
      tenant: ['select'],
      service: ['select', 'insert', 'update', 'delete'],
    });
    for (const table of ['run', 'run_event', 'approval']) await allowService(database, table, ['delete']);
  },
};
