import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { deferred, eventually, startScript, testBackend } from '@millrace/testing';
import { sql, type Kysely } from 'kysely';
import type { Migrations } from '../database.js';
import { openDatabase } from '../open-database.js';
import { protectServiceTable } from '../schema/protect.js';
import { openEmbedded } from './open-embedded.js';

// The first start of a folder takes seconds, on a busy machine many.
jest.setTimeout(120_000);

const migrations: Migrations = {
  '0001_counted': {
    async up(transaction: Kysely<unknown>) {
      await sql`create table counted (n int primary key)`.execute(transaction);
      await protectServiceTable(transaction, 'counted', { service: ['select', 'insert'] });
    },
  },
};

/** Inserts 1, 2, 3, … and says each number after its commit. */
const counting = `
  import { openDatabase, openEmbedded, protectServiceTable } from '@millrace/database';
  import { sql } from 'kysely';
  const migrations = { '0001_counted': { up: async (transaction) => {
    await sql\`create table counted (n int primary key)\`.execute(transaction);
    await protectServiceTable(transaction, 'counted', { service: ['select', 'insert'] });
  } } };
  const backend = await openEmbedded({ dataDirectory: process.argv.at(-1) });
  const database = await openDatabase({ backend, service: 'counter', migrations });
  for (let n = 1; ; n++) {
    await database.asServiceStatement(() => sql\`insert into counted values (\${n})\`);
    process.stdout.write(n + '\\n');
  }`;

describe('an embedded database in a folder', () => {
  let dataDirectory: string;
  beforeEach(() => {
    dataDirectory = join(mkdtempSync(join(tmpdir(), 'millrace-embedded-')), 'data');
  });
  afterEach(() => rmSync(join(dataDirectory, '..'), { recursive: true }));

  it('keeps every commit over SIGKILL, and lets one process in at a time', async () => {
    await using script = startScript(counting, { arguments: [dataDirectory] });
    const written = () => script.output.standard.split('\n').length - 1;
    await eventually(() => written() >= 50, { timeoutMs: 90_000, describe: '50 rows are committed' });
    await expect(openEmbedded({ dataDirectory })).rejects.toMatchObject({
      code: 'data_folder_in_use',
      message: expect.stringContaining(`by process ${script.pid}`),
    });

    await script.kill();
    await using backend = await openEmbedded({ dataDirectory });
    const database = await openDatabase({ backend, service: 'counter', migrations });
    const { rows } = await database.asServiceStatement<{ n: number }>(() => sql`select n from counted order by n`);
    expect(rows.length).toBeGreaterThanOrEqual(written());
    expect(rows.map(({ n }) => n)).toEqual(rows.map((_, index) => index + 1));
  });

  it('gives the folder back when closed, or when it cannot be opened', async () => {
    const first = await openEmbedded({ dataDirectory });
    await first.close();
    await first.close();

    const control = join(dataDirectory, 'postgres', 'global', 'pg_control');
    const intact = readFileSync(control);
    writeFileSync(control, 'not a control file');
    await expect(openEmbedded({ dataDirectory })).rejects.toMatchObject({
      code: 'data_folder_unreadable',
      message: expect.stringContaining(dataDirectory),
    });
    writeFileSync(control, intact);
    await using again = await openEmbedded({ dataDirectory });
    await again.asUser((owner) => sql`select 1`.execute(owner));
  });
});

describe('an embedded database in memory', () => {
  it('answers overloaded instead of waiting for ever, as for a transaction inside another', async () => {
    await using template = await testBackend('pglite');
    const snapshot = await (template as Awaited<ReturnType<typeof openEmbedded>>).dump();
    await using backend = await openEmbedded({ snapshot, connectionTimeoutMs: 50 });
    const database = await openDatabase({ backend, service: 'counter', migrations });
    const nested = database.asService(() => database.asService(() => Promise.resolve()));
    await expect(nested).rejects.toMatchObject({ code: 'database_overloaded' });

    const gate = deferred();
    const holding = database.asService(() => gate.promise);
    await expect(database.asService(() => Promise.resolve())).rejects.toMatchObject({ code: 'database_overloaded' });
    gate.resolve();
    await holding;
    expect(await database.health()).toEqual({ ready: true, problems: [] });
  });
});
