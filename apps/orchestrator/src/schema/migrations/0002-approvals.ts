import { protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const approvals: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table approval (
        tenant_id text not null,
        approval_id text not null,
        run_id text not null,
        graph_name text not null,
        graph_version integer not null,
        graph_digest text not null,
        node text not null,
        status text not null,
        title text not null,
        context jsonb not null,
        assignees jsonb not null,
        form jsonb not null,
        requested_at timestamptz not null,
        deadline_at timestamptz not null,
        decided_at timestamptz,
        decided_by jsonb,
        data jsonb,
        primary key (tenant_id, approval_id)
      )`.execute(database);
    await sql`create index approval_newest_first on approval (tenant_id, requested_at, approval_id)`.execute(database);
    await sql`create index approval_pending on approval (tenant_id, requested_at, approval_id) where status = 'pending'`.execute(
      database,
    );
    await sql`create index approval_of_run on approval (tenant_id, run_id)`.execute(database);
    await protectTenantTable(database, 'approval', { tenant: ['select'], service: ['select', 'insert', 'update'] });
  },
};
