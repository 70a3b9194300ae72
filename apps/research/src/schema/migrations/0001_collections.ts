import { protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';

/** Collections, their documents, and the immutable texts that citations point into. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table collection (
      tenant_id text not null,
      name text collate "C" not null,
      number bigint not null generated always as identity unique,
      description text not null,
      documents integer not null default 0,
      chunks integer not null default 0,
      terms bigint not null default 0,
      created_at timestamptz not null default now(),
      primary key (tenant_id, name)
    )`.execute(database);
  await sql`
    create table snapshot (
      tenant_id text not null,
      sha256 text not null,
      text text not null,
      created_at timestamptz not null default now(),
      primary key (tenant_id, sha256)
    )`.execute(database);
  await sql`
    create table document (
      tenant_id text not null,
      id text not null,
      number bigint not null generated always as identity unique,
      collection text collate "C" not null,
      source text collate "C" not null,
      title text not null,
      media_type text not null,
      content_sha256 text not null,
      snapshot_sha256 text not null,
      index_version integer not null,
      characters integer not null,
      chunks integer not null,
      terms bigint not null,
      created_at timestamptz not null default now(),
      primary key (tenant_id, id),
      unique (tenant_id, collection, source),
      foreign key (tenant_id, collection) references collection (tenant_id, name),
      foreign key (tenant_id, snapshot_sha256) references snapshot (tenant_id, sha256)
    )`.execute(database);
  await sql`
    create table document_snapshot (
      tenant_id text not null,
      document_id text not null,
      sha256 text not null,
      created_at timestamptz not null default now(),
      primary key (tenant_id, document_id, sha256),
      foreign key (tenant_id, document_id) references document (tenant_id, id),
      foreign key (tenant_id, sha256) references snapshot (tenant_id, sha256)
    )`.execute(database);
  await protectTenantTable(database, 'collection', { tenant: ['select', 'insert', 'update'] });
  await protectTenantTable(database, 'snapshot', { tenant: ['select', 'insert'] });
  await protectTenantTable(database, 'document', { tenant: ['select', 'insert', 'update'] });
  await protectTenantTable(database, 'document_snapshot', { tenant: ['select', 'insert'] });
}
