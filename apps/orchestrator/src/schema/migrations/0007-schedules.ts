import { protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const schedules: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table schedule (
        tenant_id text not null,
        schedule_id text not null,
        spec jsonb not null,
        next_at timestamptz,
        waiting boolean not null default false,
        last_at timestamptz,
        last_run_id text,
        last_reason text,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (tenant_id, schedule_id)
      )`.execute(database);
    await sql`create index schedule_due on schedule (next_at) where next_at is not null`.execute(database);
    await sql`create index schedule_newest_first on schedule (tenant_id, created_at, schedule_id)`.execute(database);
    await protectTenantTable(database, 'schedule', {
      tenant: ['select', 'insert', 'update', 'delete'],
      service: ['select', 'update'],
    });
  },
};
