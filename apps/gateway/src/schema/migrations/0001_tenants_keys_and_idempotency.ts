import { protectTenantTable } from '@millrace/database';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

export const tenantsKeysAndIdempotency: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await createTenants(database);
    await createKeys(database);
    await createIdempotencyRecords(database);
  },
};

async function createTenants(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table tenant (
      tenant_id text primary key,
      created_at timestamptz not null default now()
    )`.execute(database);
  // A tenant locks its own row while its first key is made, which needs the right to update.
  await protectTenantTable(database, 'tenant', { tenant: ['select', 'insert', 'update'] });
}

async function createKeys(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table api_key (
      tenant_id text not null references tenant (tenant_id),
      id text not null,
      name text not null,
      role text not null check (role in ('viewer', 'editor', 'admin')),
      secret_sha256 text not null check (secret_sha256 ~ '^[0-9a-f]{64}$'),
      created_at timestamptz not null,
      last_used_at timestamptz,
      revoked_at timestamptz,
      primary key (tenant_id, id)
    )`.execute(database);
  // A request names a key before anybody knows its tenant, so ids are unique over all of them.
  await sql`create unique index api_key_id on api_key (id)`.execute(database);
  await sql`create index api_key_newest on api_key (tenant_id, created_at desc, id desc)`.execute(database);
  await protectTenantTable(database, 'api_key', {
    tenant: ['select', 'insert', 'update'],
    service: ['select', 'update'],
  });
}

async function createIdempotencyRecords(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table idempotency_record (
      tenant_id text not null,
      key text not null,
      body_sha256 text not null,
      run_id text not null,
      response jsonb,
      leased_until timestamptz not null,
      created_at timestamptz not null,
      primary key (tenant_id, key)
    )`.execute(database);
  await sql`create index idempotency_record_age on idempotency_record (created_at)`.execute(database);
  await protectTenantTable(database, 'idempotency_record', {
    tenant: ['select', 'insert', 'update', 'delete'],
    service: ['select', 'insert', 'update', 'delete'],
  });
}
