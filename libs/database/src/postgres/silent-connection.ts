/** A connection whose server has gone silent: pg gives up waiting for an answer, and leaves what is said next behind the same silence. */
import type pg from 'pg';
import type { PostgresPoolClient } from 'kysely';

/** What pg says of a statement that had no answer in time. */
const silence = /^Query read timeout/;

/**
 * A client of a pool that leaves it, and is cut, with the first statement that has no answer. Whatever is asked of it then, such as to roll
 * back, fails at once with the same error, and does not wait as long again.
 */
export function droppedInSilence(client: pg.PoolClient): PostgresPoolClient {
  let gone: Error | undefined;
  const query = async (text: string, values: readonly unknown[]): Promise<unknown> => {
    if (gone !== undefined) throw gone;
    try {
      return await client.query(text, [...values]);
    } catch (error) {
      if (error instanceof Error && silence.test(error.message)) {
        gone = error;
        client.release(error);
      }
      throw error;
    }
  };
  return {
    // Cursors are not used here.
    query: query as PostgresPoolClient['query'],
    release: (destroy?: boolean) => {
      if (gone === undefined) client.release(destroy);
    },
  };
}
