/** Statements of graphs, against a real PostgreSQL and, hostile ones too, as they come. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { envelopeOf, databaseTask, type TaskOutcome, type TaskResult } from '@millrace/contracts';
import { newId, type JsonObject } from '@millrace/kernel';
import { createInProcessBus } from '@millrace/messaging';
import { startService, type RunningService } from '@millrace/service';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import { eventually, startPostgres, type PostgresServer } from '@millrace/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { readToolboxConfiguration } from '../config.js';
import { toolboxService } from '../index.js';

const replyTo = 'result.1.v1';
const bus = createInProcessBus();
const folder = mkdtempSync(join(tmpdir(), 'millrace-sources-'));
const results: TaskResult[] = [];
let server: PostgresServer;
let url: string;
let service: RunningService;

beforeAll(async () => {
  server = await startPostgres();
  url = await server.createDatabase(newId('shop'));
  await ask(
    'create table item (id bigint primary key, name text, price numeric, added timestamptz, code bytea, tags jsonb)',
  );
  await ask(
    "insert into item select n, 'item ' || n, n / 2.0, timestamptz '2026-01-01Z', '\\x01ff', '[1]' from generate_series(1, 30) n",
  );
  const file = join(folder, 'databases.json');
  const shop = { urlVariable: 'SHOP_URL', tenants: ['acme'] };
  writeFileSync(file, JSON.stringify({ shop, away: { urlVariable: 'AWAY_URL', tenants: ['*'] } }));
  await bus.respond(replyTo, { queue: 'orchestrator', maxInFlight: 100 }, ({ envelope }) => {
    results.push(envelope.data as TaskResult);
    return Promise.resolve({ applied: true });
  });
  const environment = {
    MILLRACE_TOOLBOX_DATABASES_FILE: file,
    SHOP_URL: url,
    AWAY_URL: 'postgres://nobody:s3cret@127.0.0.1:1/nothing',
  };
  const logger = createLogger({ levels: parseLogLevels('silent') });
  service = await startService(toolboxService, { environment, bus, logger });
}, 120_000);
afterAll(async () => {
  await service.drain({ graceMs: 1_000 });
  await bus.drain({ graceMs: 0 });
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function ask(sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function read(input: JsonObject, { tenantId = 'acme', deadlineMs = 30_000 } = {}): Promise<TaskOutcome> {
  const runId = newId('run');
  const deadlineAt = new Date(Date.now() + deadlineMs).toISOString();
  const task = {
    taskId: `${runId}:read:1`,
    runId,
    node: 'read',
    attempt: 1,
    input: { source: 'shop', ...input },
    stream: false,
    replyTo,
    deadlineAt,
  };
  const context = { tenantId, correlationId: 'req_1', causationId: null };
  await bus.publish({
    subject: databaseTask.subject,
    envelope: envelopeOf(databaseTask, context, task, { id: task.taskId }),
  });
  return (await eventually(() => results.find((result) => result.runId === runId) ?? false)).outcome;
}

describe('a database task', () => {
  it('gives rows as JSON, by parameters', async () => {
    const sql =
      'select * from item where name = $1 and id = any(select value::bigint from jsonb_array_elements_text($2::jsonb)) -- one';
    expect(await read({ sql, parameters: ['item 3', [2, 3]] })).toEqual({
      status: 'completed',
      output: {
        rows: [
          {
            id: '3',
            name: 'item 3',
            price: '1.5000000000000000',
            added: '2026-01-01T00:00:00.000Z',
            code: 'Af8=',
            tags: [1],
          },
        ],
        columns: ['id', 'name', 'price', 'added', 'code', 'tags'],
        truncated: false,
      },
    });
    const hostile = await read({
      sql: 'select count(*)::int as n from item where name = $1',
      parameters: ["' or 1 = 1; drop table item; --"],
    });
    expect(hostile).toMatchObject({ output: { rows: [{ n: 0 }] } });
  });

  it('takes no more rows than asked for, and says that there were more', async () => {
    expect(await read({ sql: 'select id from item order by id', maxRows: 2 })).toMatchObject({
      output: { rows: [{ id: '1' }, { id: '2' }], truncated: true },
    });
    const endless = await read({
      sql: 'with recursive n(i) as (select 1 union all select i + 1 from n) select i from n',
      maxRows: 3,
    });
    expect(endless).toMatchObject({ output: { rows: [{ i: 1 }, { i: 2 }, { i: 3 }], truncated: true } });
    expect(await read({ sql: "select repeat('x', 5000000) as x" })).toMatchObject({
      error: { code: 'result_too_large', retryable: false },
    });
  });

  it.each([
    ['delete from item', 'sql_error'],
    ['delete from item returning id', 'sql_error'],
    ['with gone as (delete from item returning id) select * from gone', 'sql_error'],
    ['select 1) as result; drop table item; --', 'sql_error'],
    ['select 1; select 2', 'sql_error'],
    ["select set_config('transaction_read_only', 'off', false)", 'not_permitted'],
    ["select nextval('counter')", 'not_permitted'],
    ['select * from nothing', 'sql_error'],
    ['select 1 / 0', 'sql_error'],
    ['selct', 'sql_error'],
  ])('changes nothing by %j', async (sql, code) => {
    await ask('create sequence if not exists counter');
    expect(await read({ sql })).toMatchObject({ status: 'failed', error: { retryable: false } });
    expect((await read({ sql })) as { error: { code: string } }).toMatchObject({ error: { code } });
    expect(await ask('select count(*)::int as n from item')).toEqual([{ n: 30 }]);
  });

  it('ends in time, by its own limit and by that of the node', async () => {
    expect(await read({ sql: 'select pg_sleep(30)::text', timeoutMs: 50 })).toMatchObject({
      error: { code: 'statement_timeout', retryable: true },
    });
    expect(await read({ sql: 'select pg_sleep(30)::text' }, { deadlineMs: 200 })).toMatchObject({
      error: { code: 'deadline_exceeded' },
    });
  });

  it('is of the tenants that an operator names, and of nobody else', async () => {
    for (const given of [{ source: 'shop' }, { source: 'nowhere' }]) {
      const outcome = await read({ ...given, sql: 'select 1' }, { tenantId: 'globex' });
      expect(outcome).toMatchObject({ error: { code: 'unknown_source', retryable: false } });
    }
  });

  it('tells nothing of where a database is', async () => {
    const outcome = await read({ source: 'away', sql: 'select 1' });
    expect(outcome).toMatchObject({ error: { code: 'source_unavailable', retryable: true } });
    expect(JSON.stringify(outcome)).not.toMatch(/s3cret|nobody|127\.0\.0\.1/);
  });
});

describe('the file of databases', () => {
  it.each([
    ['{', {}, /cannot be read as JSON/],
    ['{"Bad Name": {"urlVariable": "X", "tenants": ["acme"]}}', {}, /does not fit/],
    ['{"shop": {"urlVariable": "X", "tenants": []}}', { X: 'postgres://h/d' }, /does not fit/],
    [
      '{"shop": {"urlVariable": "X", "tenants": ["acme"]}}',
      { X: 'mysql://s3cret@h/d' },
      /names X, which is no postgres/,
    ],
    ['{"shop": {"urlVariable": "X", "tenants": ["acme"]}}', {}, /names X/],
    ['{"shop": {"url": "postgres://s3cret@h/d", "tenants": ["acme"]}}', {}, /does not fit/],
  ])('is refused as %j', (content, environment, message) => {
    const file = join(folder, 'wrong.json');
    writeFileSync(file, content);
    const reading = () => readToolboxConfiguration({ ...environment, MILLRACE_TOOLBOX_DATABASES_FILE: file });
    expect(reading).toThrow(message);
    expect(reading).not.toThrow(/s3cret/);
  });
});
