import { protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';

/** The nodes that wait for room at shared keys, or hold them. A row is there as long as that is so: it goes with the node's end. */
export const sharedKeys = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table slot_request (
        tenant_id text not null,
        run_id text not null,
        node text not null,
        attempt integer not null,
        partition smallint not null,
        keys text[] not null,
        limits integer[] not null,
        requested_at timestamptz not null,
        granted_at timestamptz,
        taken boolean not null default false,
        primary key (tenant_id, run_id, node, attempt)
      )`.execute(database);
    await sql`create index slot_request_open on slot_request (partition) where not taken`.execute(database);
    await sql`create index slot_request_waiting on slot_request (tenant_id, requested_at) where granted_at is null`.execute(
      database,
    );
    await sql`create index slot_request_held on slot_request using gin (keys) where granted_at is not null`.execute(
      database,
    );
    await protectTenantTable(database, 'slot_request', { service: ['select', 'insert', 'update', 'delete'] });
  },
};
