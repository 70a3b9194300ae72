/** What the subscriber made of events: a row for each application, so that a second one shows. */
import { protectTenantTable, type Database, type Migrations } from '@millrace/database';
import type { Envelope } from '@millrace/contracts';
import { handleOnce, inboxMigration } from '@millrace/messaging';
import { sql } from 'kysely';

export const subscriberService = 'chaos-subscriber';

export const subscriberMigrations: Migrations = {
  '0001_inbox': inboxMigration,
  '0002_application': {
    async up(transaction) {
      await sql`
        create table application (
          tenant_id text not null,
          position bigint generated always as identity,
          message_id text not null,
          run_id text not null,
          type text not null,
          applied_at timestamptz not null default now(),
          primary key (tenant_id, position)
        )`.execute(transaction);
      await protectTenantTable(transaction, 'application', { service: ['select', 'insert'] });
    },
  },
};

/** Applies an event in the transaction that also remembers it. */
export async function applyOnce(database: Database<unknown>, envelope: Envelope): Promise<void> {
  const { runId = '' } = envelope.data as { runId?: string };
  await database.asService((transaction) =>
    handleOnce(transaction, 'chaos', envelope, () =>
      sql`insert into application (tenant_id, message_id, run_id, type)
          values (${envelope.tenantId}, ${envelope.id}, ${runId}, ${envelope.type})`.execute(transaction),
    ),
  );
}
