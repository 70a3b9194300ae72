import { allowService } from '@millrace/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A call is written down by one statement, without a transaction of its tenant. `on conflict do nothing` reads as well. */
export const callsInOneStatement: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await allowService(database, 'completion', ['select', 'insert']);
  },
};
