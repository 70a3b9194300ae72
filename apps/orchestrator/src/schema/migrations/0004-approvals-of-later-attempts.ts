import { sql, type Kysely } from 'kysely';

/** After a retry of its run, a node asks for a decision again: by another attempt, which is another approval. */
export const approvalsOfLaterAttempts = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`alter table approval add column attempt integer not null default 1`.execute(database);
  },
};
