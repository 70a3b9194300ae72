import { protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * The nodes that wait for an event, and behind which message of the events' stream their waiting began. A sequence is a whole
 * number far below 2^53, which both databases give as a number in this type.
 */
export const eventWaits: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table event_wait (
        tenant_id text not null,
        run_id text not null,
        node text not null,
        attempt integer not null,
        partition smallint not null,
        subject text not null,
        stream text not null,
        after_sequence double precision not null,
        primary key (tenant_id, run_id, node, attempt)
      )`.execute(database);
    await sql`create index event_wait_of_partition on event_wait (partition, tenant_id, subject)`.execute(database);
    await protectTenantTable(database, 'event_wait', { service: ['select', 'insert', 'update', 'delete'] });
  },
};
