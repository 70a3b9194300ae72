import { protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';

/** Outputs that may stand in for the same work, until they expire. */
export const cachedOutputs = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table cached_output (
        tenant_id text not null,
        work text not null,
        output jsonb not null,
        expires_at timestamptz not null,
        primary key (tenant_id, work)
      )`.execute(database);
    await sql`create index cached_output_expired on cached_output (expires_at)`.execute(database);
    await protectTenantTable(database, 'cached_output', { service: ['select', 'insert', 'update', 'delete'] });
  },
};
