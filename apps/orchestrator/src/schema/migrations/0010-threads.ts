import { protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';

/**
 * Threads, what they remember, and who stands in line at them. A place in line is there from before its run is stored until that run
 * has ended; what was kept for a run that never came is let go after a while.
 */
export const threads = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`alter table run add column thread_id text`.execute(database);
    await sql`create index run_of_thread on run (tenant_id, thread_id, created_at, run_id) where thread_id is not null`.execute(
      database,
    );
    await sql`
      create table thread (
        tenant_id text not null,
        thread_id text not null,
        version integer not null,
        state jsonb not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (tenant_id, thread_id)
      )`.execute(database);
    await sql`create index thread_newest_first on thread (tenant_id, created_at, thread_id)`.execute(database);
    await sql`
      create table thread_version (
        tenant_id text not null,
        thread_id text not null,
        version integer not null,
        state jsonb not null,
        run_id text,
        at timestamptz not null,
        primary key (tenant_id, thread_id, version)
      )`.execute(database);
    await sql`
      create table thread_place (
        tenant_id text not null,
        run_id text not null,
        generation integer not null,
        thread_id text not null,
        partition smallint not null,
        number bigint generated always as identity,
        interrupts boolean not null default false,
        kept_at timestamptz not null default now(),
        stored boolean not null default false,
        granted_at timestamptz,
        taken boolean not null default false,
        primary key (tenant_id, run_id, generation)
      )`.execute(database);
    await sql`create index thread_place_in_line on thread_place (tenant_id, thread_id, number)`.execute(database);
    await sql`create index thread_place_open on thread_place (partition) where not taken`.execute(database);
    // RFC 7396, so that what a run writes is merged into what is there when it is stored.
    await sql`
    create function merge_patch(target jsonb, patch jsonb) returns jsonb language plpgsql immutable as $$
    begin
      if jsonb_typeof(patch) is distinct from 'object' then
        return patch;
      end if;
      return (
        select coalesce(jsonb_object_agg(field.key, field.value), '{}'::jsonb)
        from (
          select key, case when new.value is null then old.value else merge_patch(old.value, new.value) end as value
          from jsonb_each(case when jsonb_typeof(target) = 'object' then target else '{}'::jsonb end) as old (key, value)
          full join jsonb_each(patch) as new (key, value) using (key)
          where new.value is distinct from 'null'::jsonb
        ) as field
      );
    end
    $$`.execute(database);
    await protectTenantTable(database, 'thread', {
      tenant: ['select', 'insert', 'update', 'delete'],
      service: ['select', 'insert', 'update'],
    });
    await protectTenantTable(database, 'thread_version', {
      tenant: ['select', 'insert', 'delete'],
      service: ['select', 'insert', 'delete'],
    });
    await protectTenantTable(database, 'thread_place', {
      tenant: ['select'],
      service: ['select', 'insert', 'update', 'delete'],
    });
  },
};
