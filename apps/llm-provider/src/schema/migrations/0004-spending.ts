import { protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Money is in billionths of a dollar, whole numbers that add up exactly. */
export const spending: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      alter table completion
        add column key_id text,
        add column cached_prompt_tokens bigint not null default 0 check (cached_prompt_tokens >= 0)`.execute(database);
    await sql`create index completion_by_time on completion (tenant_id, created_at)`.execute(database);
    // The key is empty for the budget of the whole tenant.
    await sql`
      create table budget (
        tenant_id text not null,
        key_id text not null,
        limit_nano bigint not null check (limit_nano >= 0),
        month text not null,
        spent_nano bigint not null check (spent_nano >= 0),
        reserved_nano bigint not null check (reserved_nano >= 0),
        primary key (tenant_id, key_id)
      )`.execute(database);
    await sql`
      create table budget_hold (
        tenant_id text not null,
        id text not null,
        key_id text,
        amount_nano bigint not null check (amount_nano >= 0),
        expires_at timestamptz not null,
        primary key (tenant_id, id)
      )`.execute(database);
    await sql`create index budget_hold_by_end on budget_hold (expires_at)`.execute(database);
    const service = ['select', 'insert', 'update', 'delete'] as const;
    await protectTenantTable(database, 'budget', { tenant: service, service });
    await protectTenantTable(database, 'budget_hold', { tenant: ['select'], service });
  },
};
