import { sql, type Kysely } from 'kysely';

/**
 * The span that decided an event or set a timer, as a W3C `traceparent`, and when the timer was set: what is published or
 * fired later belongs to the same trace, whoever does it. Null where nothing was recorded.
 */
export const traces = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`alter table run_event add column traceparent text`.execute(database);
    await sql`alter table run_timer add column traceparent text, add column set_at timestamptz`.execute(database);
  },
};
