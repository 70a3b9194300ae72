import { protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const provider: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table provider (
        tenant_id text not null,
        name text not null,
        kind text not null,
        base_url text not null,
        models jsonb not null,
        concurrency integer not null check (concurrency > 0),
        secret_key_id text,
        sealed_api_key text,
        revision text not null,
        updated_at timestamptz not null,
        primary key (tenant_id, name),
        check ((secret_key_id is null) = (sealed_api_key is null))
      )`.execute(database);
    await protectTenantTable(database, 'provider', { tenant: ['select', 'insert', 'update', 'delete'] });
  },
};
