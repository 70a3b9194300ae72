/** Reads the rows of one statement, in a transaction that can change nothing and ends in time. */
import type { databaseTask, InputOf, OutputOf } from '@millrace/contracts';
import { MillraceError, type JsonObject, type JsonValue } from '@millrace/kernel';
import type { Pool, PoolClient, QueryConfig } from 'pg';
import { sqlError } from './sql-error.js';

type DatabaseInput = InputOf<typeof databaseTask>;
type DatabaseOutput = OutputOf<typeof databaseTask>;

/** Characters of all rows as JSON. */
const largestResult = 4 * 1024 * 1024;

/** @throws MillraceError `result_too_large`, as `sqlError`, or the signal's reason */
export async function readRows(pool: Pool, input: DatabaseInput, signal: AbortSignal): Promise<DatabaseOutput> {
  const client = await pool.connect().catch((error: unknown) => {
    throw sqlError(error);
  });
  // A connection that is given up ends its statement with the next word of the server, and by its own time at the latest.
  const giveUp = (): void => client.release(true);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    signal.throwIfAborted();
    const output = await inReadOnly(client, input);
    return bounded(output);
  } catch (error) {
    throw signal.aborted ? signal.reason : sqlError(error);
  } finally {
    signal.removeEventListener('abort', giveUp);
    if (!signal.aborted) client.release();
  }
}

async function inReadOnly(
  client: PoolClient,
  { sql, parameters, maxRows, timeoutMs }: DatabaseInput,
): Promise<DatabaseOutput> {
  await client.query('begin transaction read only');
  try {
    await client.query(`set local statement_timeout = ${Math.trunc(timeoutMs)}`);
    // Around it, so that the server stops at the limit; on lines of its own, so that a comment at its end ends there.
    const text = `select * from (\n${withoutEnd(sql)}\n) as result limit ${Math.trunc(maxRows) + 1}`;
    // The extended protocol takes one statement, however many a text holds.
    const query = { text, values: parameters.map(asParameter), queryMode: 'extended' } as QueryConfig;
    const { rows, fields } = await client.query<Record<string, unknown>>(query);
    const kept = rows.slice(0, maxRows).map(rowOf);
    return { rows: kept, columns: fields.map(({ name }) => name), truncated: rows.length > maxRows };
  } finally {
    await client.query('rollback').catch(() => undefined);
  }
}

const withoutEnd = (sql: string): string => sql.replace(/[\s;]+$/, '');

const asParameter = (value: JsonValue): unknown =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : value;

const rowOf = (row: Record<string, unknown>): JsonObject =>
  Object.fromEntries(Object.entries(row).map(([column, value]) => [column, asJson(value)]));

/** Times as ISO 8601, bytes as base64, what JSON has as it is; numbers that JSON cannot hold come as text already. */
function asJson(value: unknown): JsonValue {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return value.toString();
  return (value === undefined ? null : JSON.parse(JSON.stringify(value))) as JsonValue;
}

function bounded(output: DatabaseOutput): DatabaseOutput {
  const length = JSON.stringify(output.rows).length;
  if (length <= largestResult) return output;
  const message = `The rows take ${length} characters as JSON; at most ${largestResult} are given. Ask for fewer rows or columns.`;
  throw new MillraceError('too-large', 'result_too_large', message);
}
