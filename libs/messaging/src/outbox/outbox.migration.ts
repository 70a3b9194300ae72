import { protectTenantTable } from '@millrace/database';
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The table of messages that are committed and not yet published: for any service's migrations. */
export const outboxMigration: Migration = {
  async up(transaction) {
    // json, not jsonb: the envelope is only ever read back whole, and stays exactly as it was written.
    await sql`
      create table outbox_message (
        tenant_id text not null,
        id text not null,
        subject text not null,
        envelope json not null,
        headers jsonb not null default '{}',
        available_at timestamptz not null default now(),
        created_at timestamptz not null default now(),
        attempts integer not null default 0,
        failure jsonb,
        position bigint generated always as identity,
        primary key (tenant_id, id)
      )`.execute(transaction);
    await sql`create index outbox_message_due on outbox_message (available_at, position)`.execute(transaction);
    await protectTenantTable(transaction, 'outbox_message', {
      tenant: ['insert'],
      service: ['select', 'insert', 'update', 'delete'],
    });
  },
};
