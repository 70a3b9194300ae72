import { protectTenantTable } from '@millrace/database';
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The table of messages that were handled: for any service's migrations. */
export const inboxMigration: Migration = {
  async up(transaction) {
    await sql`
      create table inbox_message (
        tenant_id text not null,
        consumer text not null,
        message_id text not null,
        handled_at timestamptz not null default now(),
        primary key (tenant_id, consumer, message_id)
      )`.execute(transaction);
    await sql`create index inbox_message_handled on inbox_message (handled_at)`.execute(transaction);
    await protectTenantTable(transaction, 'inbox_message', {
      tenant: ['select', 'insert'],
      service: ['select', 'insert', 'delete'],
    });
  },
};
