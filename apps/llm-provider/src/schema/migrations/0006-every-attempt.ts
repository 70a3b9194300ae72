import { allowService } from '@millrace/database';
import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Each attempt that cost something is a row of the ledger, and a hold says what it is for, so that it can become such a row. */
export const everyAttempt: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      alter table completion
        add column outcome text not null default 'completed'
          check (outcome in ('completed', 'failed', 'lost', 'repeated'))`.execute(database);
    await sql`
      alter table budget_hold
        add column call_id text not null default '',
        add column run_id text not null default '',
        add column node text not null default '',
        add column model text not null default 'unknown'`.execute(database);
    // A call that is heard of after it was counted as lost is corrected.
    await allowService(database, 'completion', ['select', 'insert', 'update']);
  },
};
