/** SQL from outside, as an administrator. */
import { eventually } from '@millrace/testing';
import pg from 'pg';

/** Queries over connections that may end at any moment: each query has one of its own. */
export async function rowsOf<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, query_timeout: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(text, [...values])).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** As `rowsOf`, for what must be known: tried again for half a minute. */
export const surelyRowsOf: typeof rowsOf = (url, text, values) =>
  eventually(() => rowsOf(url, text, values), { timeoutMs: 30_000, describe: 'the database answers' });
