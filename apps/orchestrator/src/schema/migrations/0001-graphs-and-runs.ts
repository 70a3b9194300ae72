import { protectServiceTable, protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** As many as `partitionCount` of the contracts, which is fixed for the life of an installation. */
const lastPartition = 15;

export const graphsAndRuns: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await createGraphVersion(database);
    await createRun(database);
    await createRunEvent(database);
    await createRunTimer(database);
    await createPartitionLease(database);
  },
};

async function createGraphVersion(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table graph_version (
      tenant_id text not null,
      name text not null,
      version integer not null check (version > 0),
      digest text not null,
      origin text not null check (origin in ('published', 'inline')),
      description text not null,
      document jsonb not null,
      created_at timestamptz not null default now(),
      primary key (tenant_id, name, version),
      unique (tenant_id, name, digest)
    )`.execute(database);
  await protectTenantTable(database, 'graph_version', { tenant: ['select', 'insert'], service: ['select', 'insert'] });
  // The graphs that come with Millrace are everybody's to read. Nobody's own name can begin with an underscore.
  await sql`create policy shipped_rows on graph_version for select using (tenant_id = '_shipped')`.execute(database);
}

async function createRun(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table run (
      tenant_id text not null,
      run_id text not null,
      partition smallint not null,
      graph_name text not null,
      graph_version integer not null,
      graph_digest text not null,
      status text not null,
      input jsonb not null,
      output jsonb,
      error jsonb,
      usage jsonb not null,
      steps jsonb,
      last_position integer not null,
      created_at timestamptz not null,
      started_at timestamptz,
      finished_at timestamptz,
      primary key (tenant_id, run_id)
    )`.execute(database);
  await sql`create index run_newest_first on run (tenant_id, created_at, run_id)`.execute(database);
  await sql`create index run_unfinished_or_late on run (partition, finished_at)`.execute(database);
  await protectTenantTable(database, 'run', { tenant: ['select'], service: ['select', 'insert', 'update'] });
}

async function createRunEvent(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table run_event (
      tenant_id text not null,
      run_id text not null,
      position integer not null check (position > 0),
      type text not null,
      data jsonb not null,
      at timestamptz not null,
      primary key (tenant_id, run_id, position)
    )`.execute(database);
  await protectTenantTable(database, 'run_event', { tenant: ['select'], service: ['select', 'insert'] });
}

async function createRunTimer(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table run_timer (
      tenant_id text not null,
      run_id text not null,
      node text not null,
      attempt integer not null,
      timer text not null,
      partition smallint not null,
      due_at timestamptz not null,
      primary key (tenant_id, run_id, node, attempt, timer)
    )`.execute(database);
  await sql`create index run_timer_due on run_timer (partition, due_at)`.execute(database);
  await protectTenantTable(database, 'run_timer', { service: ['select', 'insert', 'update', 'delete'] });
}

async function createPartitionLease(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table partition_lease (
      partition smallint primary key,
      owner text,
      epoch integer not null default 0,
      expires_at timestamptz,
      published_until timestamptz not null default now()
    )`.execute(database);
  await sql`insert into partition_lease (partition) select generate_series(0, ${sql.lit(lastPartition)})`.execute(
    database,
  );
  await protectServiceTable(database, 'partition_lease', { service: ['select', 'update'] });
  await sql`
    create table replica (
      replica_id text primary key,
      expires_at timestamptz not null
    )`.execute(database);
  await protectServiceTable(database, 'replica', { service: ['select', 'insert', 'update', 'delete'] });
}
