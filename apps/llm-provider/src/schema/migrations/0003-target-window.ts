import { protectServiceTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const targetWindow: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table target_window (
        model text primary key,
        minute timestamptz not null,
        requests bigint not null,
        tokens bigint not null
      )`.execute(database);
    await protectServiceTable(database, 'target_window', { service: ['select', 'insert', 'update'] });
  },
};
