import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The trace to which an event belongs goes with what is sent of it. */
export const tracesOfDeliveries: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`alter table webhook_delivery add column traceparent text`.execute(database);
  },
};
