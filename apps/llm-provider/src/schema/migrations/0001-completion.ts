import { protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const completion: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table completion (
        tenant_id text not null,
        task_id text not null,
        run_id text not null,
        node text not null,
        model text not null,
        prompt text,
        output jsonb not null,
        prompt_tokens bigint not null check (prompt_tokens >= 0),
        completion_tokens bigint not null check (completion_tokens >= 0),
        cost_usd double precision not null check (cost_usd >= 0),
        created_at timestamptz not null default now(),
        primary key (tenant_id, task_id)
      )`.execute(database);
    await sql`create index completion_by_run on completion (tenant_id, run_id)`.execute(database);
    await protectTenantTable(database, 'completion', { tenant: ['select', 'insert'] });
  },
};
