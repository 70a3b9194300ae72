/** What every backend holds: tenants apart, transactions, values, migrations. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { backendKinds, deferred, testBackend, testDatabase, type TestDatabase } from '@millrace/testing';
import { sql, type Kysely, type Transaction } from 'kysely';
import type { Database, Migrations } from './database.js';
import { isUniqueViolation } from './errors.js';
import { openDatabase } from './open-database.js';
import { protectServiceTable, protectTenantTable } from './schema/protect.js';
import { jsonb } from './values.js';

interface Tables {
  document: { tenant_id: string; id: string; body: unknown; size: number };
  lease: { partition: number; owner: string };
  secret: { tenant_id: string; id: string };
}

const migrations: Migrations = {
  '0001_documents': {
    async up(transaction: Kysely<unknown>) {
      await sql`create table document (tenant_id text, id text, body jsonb not null, size bigint not null,
        primary key (tenant_id, id))`.execute(transaction);
      await protectTenantTable(transaction, 'document', {
        tenant: ['select', 'insert', 'update', 'delete'],
        service: ['select', 'insert'],
      });
      await sql`create table secret (tenant_id text, id text, primary key (tenant_id, id))`.execute(transaction);
      await protectTenantTable(transaction, 'secret', {});
    },
  },
  '0002_leases': {
    async up(transaction: Kysely<unknown>) {
      await sql`create table lease (partition int primary key, owner text not null)`.execute(transaction);
      await protectServiceTable(transaction, 'lease', { service: ['select', 'insert', 'update'] });
    },
  },
};

const service = 'conformance-suite';
const row = (tenantId: string, id: string) => ({ tenant_id: tenantId, id, body: jsonb({ id }), size: 1 });
const idsOf = async (transaction: Transaction<Tables>) =>
  (await transaction.selectFrom('document').select('id').orderBy('id').execute()).map(({ id }) => id);
const insert = (database: Database<Tables>, tenantId: string, id: string) =>
  database.forTenant(tenantId, (transaction) => transaction.insertInto('document').values(row(tenantId, id)).execute());

describe.each(backendKinds)('a database on %s', (backend) => {
  let opened: TestDatabase<Tables>;
  let database: Database<Tables>;
  beforeAll(async () => {
    opened = await testDatabase<Tables>({ service, migrations, backend });
    ({ database } = opened);
  });
  afterAll(() => opened.close());

  describe('keeps tenants apart', () => {
    beforeAll(async () => {
      await insert(database, 'acme', 'theirs');
      await insert(database, 'other', 'ours');
    });

    it('shows a tenant its own rows only', async () => {
      expect(await database.forTenant('acme', idsOf)).toEqual(['theirs']);
      expect(await database.forTenant('other', idsOf)).toEqual(['ours']);
      expect(await database.forTenant('nobody', idsOf)).toEqual([]);
      expect(await database.asService(idsOf)).toEqual(['ours', 'theirs']);
    });

    it('refuses to insert a row for another tenant, or to give one away', async () => {
      const denied = { code: 'database_access_denied', kind: 'forbidden' };
      await expect(
        database.forTenant('acme', (transaction) =>
          transaction.insertInto('document').values(row('other', 'planted')).execute(),
        ),
      ).rejects.toMatchObject(denied);
      await expect(
        database.forTenant('acme', (transaction) =>
          transaction.updateTable('document').set({ tenant_id: 'other' }).execute(),
        ),
      ).rejects.toMatchObject(denied);
    });

    it('finds nothing of another tenant to update or delete', async () => {
      const changed = await database.forTenant('acme', async (transaction) => [
        await transaction.updateTable('document').set({ size: 9 }).where('id', '=', 'ours').executeTakeFirst(),
        await transaction.deleteFrom('document').where('tenant_id', '=', 'other').executeTakeFirst(),
      ]);
      expect(changed).toMatchObject([{ numUpdatedRows: 0n }, { numDeletedRows: 0n }]);
      expect(await database.forTenant('other', idsOf)).toEqual(['ours']);
    });

    it('cannot tell another tenant that a key is taken', async () => {
      await insert(database, 'acme', 'same-id');
      await insert(database, 'other', 'same-id');
      await database.forTenant('acme', (transaction) =>
        transaction.deleteFrom('document').where('id', '=', 'same-id').execute(),
      );
      expect(await database.forTenant('other', idsOf)).toEqual(['ours', 'same-id']);
    });

    it('gives no rows, or an error, where no tenant is set', async () => {
      const asTenantRole = database.asService(async (transaction) => {
        await sql`select set_config('role', 'millrace_conformance_suite_tenant', true)`.execute(transaction);
        return idsOf(transaction);
      });
      // An error in a session that never had a tenant, no rows in one that had.
      const rows = await asTenantRole.catch((error: { code: string }) => [`error ${error.code}`]);
      expect([[], ['error 42704']]).toContainEqual(rows);
      await expect(database.forTenant('', idsOf)).rejects.toMatchObject({ code: 'invalid_tenant' });
    });

    it('keeps the tenant to its own transaction, also after a failure', async () => {
      await expect(database.forTenant('acme', () => Promise.reject(new Error('the work failed')))).rejects.toThrow(
        'the work failed',
      );
      const left = await database.asService(async (transaction) => {
        const { rows } = await sql<{ role: string; tenant: string | null }>`
          select current_user as role, current_setting('millrace.tenant_id', true) as tenant`.execute(transaction);
        return rows[0];
      });
      expect(left?.role).toBe('millrace_conformance_suite_service');
      expect(left?.tenant ?? '').toBe('');
    });

    it('takes a hostile tenant id as a value', async () => {
      const hostile = `x', true), set_config('role', 'postgres', true); --`;
      expect(await database.forTenant(hostile, idsOf)).toEqual([]);
    });
  });

  describe('grants what migrations say and nothing else', () => {
    it.each([
      ['update', sql`update document set size = 2`],
      ['delete', sql`delete from document`],
      ['read a table that was not granted', sql`select * from secret`],
      ['delete from a table of its own', sql`delete from lease`],
      ['change the migrations', sql`delete from migration`],
      ['make a table', sql`create table mine (n int)`],
      ['turn the protection off', sql`alter table document disable row level security`],
    ])('the service cannot %s', async (_what, statement) => {
      await expect(database.asService((transaction) => statement.execute(transaction))).rejects.toMatchObject({
        code: 'database_access_denied',
      });
      await expect(database.asServiceStatement(() => statement)).rejects.toMatchObject({
        code: 'database_access_denied',
      });
    });

    it('the service sees how far its schema is', async () => {
      const { rows } = await database.asServiceStatement(() => sql`select name from migration order by name`);
      expect(rows).toEqual([{ name: '0001_documents' }, { name: '0002_leases' }]);
    });

    it('a tenant reaches no table of the service', async () => {
      await expect(
        database.forTenant('acme', (transaction) => sql`select * from migration`.execute(transaction)),
      ).rejects.toMatchObject({ code: 'database_access_denied' });
      await expect(
        database.forTenant('acme', (transaction) => transaction.selectFrom('lease').selectAll().execute()),
      ).rejects.toMatchObject({ code: 'database_access_denied' });
      await expect(
        database.forTenant('acme', (transaction) => transaction.selectFrom('secret').selectAll().execute()),
      ).rejects.toMatchObject({ code: 'database_access_denied' });
    });
  });

  describe('transactions', () => {
    it('undo everything when the work fails, and let its error through', async () => {
      const failure = new Error('half done');
      await expect(
        database.forTenant('rollback', async (transaction) => {
          await transaction.insertInto('document').values(row('rollback', 'half')).execute();
          throw failure;
        }),
      ).rejects.toBe(failure);
      expect(await database.forTenant('rollback', idsOf)).toEqual([]);
    });

    it('name the constraint that was violated', async () => {
      await insert(database, 'twice', 'one');
      const error = await insert(database, 'twice', 'one').catch((thrown: unknown) => thrown);
      expect(isUniqueViolation(error)).toBe(true);
      expect(isUniqueViolation(error, 'document_pkey')).toBe(true);
      expect(isUniqueViolation(error, 'another_constraint')).toBe(false);
      expect(isUniqueViolation(new Error('23505'))).toBe(false);
    });

    it('run many at once without mixing them up', async () => {
      const tenants = Array.from({ length: 40 }, (_, index) => `concurrent-${index}`);
      await Promise.all(tenants.map((tenant) => insert(database, tenant, `of-${tenant}`)));
      const seen = await Promise.all(tenants.map((tenant) => database.forTenant(tenant, idsOf)));
      expect(seen).toEqual(tenants.map((tenant) => [`of-${tenant}`]));
    });

    it('can be read only', async () => {
      await expect(
        database.asService(
          (transaction) => transaction.insertInto('lease').values({ partition: 1, owner: 'a' }).execute(),
          {
            readOnly: true,
          },
        ),
      ).rejects.toMatchObject({ code: '25006' });
    });

    it('commit a single statement of the service by itself', async () => {
      const inserted = await database.asServiceStatement((tables) =>
        tables.insertInto('lease').values({ partition: 7, owner: 'first' }),
      );
      expect(inserted.numAffectedRows).toBe(1n);
      const owners = (): Promise<{ rows: { owner: string }[] }> =>
        database.asServiceStatement<{ owner: string }>(() => sql`select owner from lease where partition = ${7}`);
      expect((await owners()).rows).toEqual([{ owner: 'first' }]);
      expect((await owners()).rows).toEqual([{ owner: 'first' }]);
    });

    it('run again only when asked to, and only on a conflict', async () => {
      let runs = 0;
      const conflictTwice = (transaction: Transaction<Tables>) => {
        runs += 1;
        const state = runs <= 2 ? '40001' : '22000';
        return sql`do ${sql.lit(`begin raise exception 'staged' using errcode = '${state}'; end`)}`.execute(
          transaction,
        );
      };
      await expect(database.asService(conflictTwice)).rejects.toMatchObject({
        code: 'database_conflict',
        retryable: true,
      });
      expect(runs).toBe(1);
      await expect(database.asService(conflictTwice, { attempts: 5 })).rejects.toMatchObject({ code: '22000' });
      expect(runs).toBe(3);
    });
  });

  describe('values', () => {
    const roundTrip = async (expression: ReturnType<typeof sql>) =>
      (await database.asServiceStatement<{ value: unknown }>(() => sql`select ${expression} as value`)).rows[0]?.value;

    const when = new Date('2026-02-28T23:59:59.123Z');
    it.each<[string, ReturnType<typeof sql>, unknown]>([
      ['bigint', sql`${Number.MAX_SAFE_INTEGER}::bigint`, Number.MAX_SAFE_INTEGER],
      ['bigint from a JavaScript bigint', sql`${12n}::bigint`, 12],
      ['bigint[]', sql`${[1, 2]}::bigint[]`, [1, 2]],
      ['count', sql`(select count(*) from lease where false)`, 0],
      ['integer', sql`${-5}::int`, -5],
      ['double', sql`${0.1}::float8`, 0.1],
      ['numeric', sql`${'12.50'}::numeric`, '12.50'],
      ['boolean', sql`${true}::boolean`, true],
      ['null', sql`${null}::text`, null],
      ['timestamptz', sql`${when}::timestamptz`, when],
      ['timestamptz from ISO text', sql`${when.toISOString()}::timestamptz`, when],
      ['timestamptz[]', sql`${[when]}::timestamptz[]`, [when]],
      ['date', sql`${'2026-02-28'}::date`, '2026-02-28'],
      ['text[]', sql`${['a,b', '{"', '', 'ünï \\ "q"', 'NULL']}::text[]`, ['a,b', '{"', '', 'ünï \\ "q"', 'NULL']],
      ['bytea', sql`${Buffer.from([0, 255, 92])}::bytea`, Buffer.from([0, 255, 92])],
      ['jsonb object', jsonb({ a: [1, null, '"\\'], b: { c: 'é' } }), { a: [1, null, '"\\'], b: { c: 'é' } }],
      ['jsonb array', jsonb([1, 'two']), [1, 'two']],
      ['jsonb string', jsonb('text'), 'text'],
      ['jsonb null', jsonb(null), null],
      [
        'jsonb[] of JSON texts',
        sql`${[JSON.stringify({ a: '{"x"}' }), '[1]', '"s"']}::jsonb[]`,
        [{ a: '{"x"}' }, [1], 's'],
      ],
    ])('%s', async (_name, expression, expected) => {
      expect(await roundTrip(expression)).toEqual(expected);
    });

    it('refuses a bigint that would lose digits, and a NUL in text or JSON', async () => {
      await expect(roundTrip(sql`9007199254740993::bigint`)).rejects.toMatchObject({ code: 'unsafe_integer' });
      await expect(roundTrip(sql`${'a\u0000b'}::text`)).rejects.toMatchObject({ code: 'unstorable_text' });
      await expect(roundTrip(jsonb({ a: 'a\u0000b' }))).rejects.toMatchObject({ code: 'unstorable_text' });
      expect((await database.health()).ready).toBe(true);
    });

    it('stores half a megabyte of text as it is', async () => {
      const text = '🏔 quarry '.repeat(50_000);
      expect(await roundTrip(sql`${text}::text`)).toBe(text);
    });
  });

  describe('migrations', () => {
    const open = (onBackend: typeof opened.backend, versions: Migrations) =>
      openDatabase<Tables>({ backend: onBackend, service, migrations: versions });
    const creating = (table: string): Migrations[string] => ({
      up: async (transaction: Kysely<unknown>) => {
        await sql`create table ${sql.id(table)} (n int)`.execute(transaction);
      },
    });

    it('let replicas start at once, and run each migration once', async () => {
      await using fresh = await testBackend(backend);
      const replicas = await Promise.all(Array.from({ length: 4 }, () => open(fresh, migrations)));
      expect(await replicas[3]?.health()).toEqual({ ready: true, problems: [] });
      await Promise.all(replicas.map((replica) => replica.close()));
    });

    it('run in the order of their numbers, whatever the order of the record', async () => {
      await using fresh = await testBackend(backend);
      const order: string[] = [];
      const noting = (name: string) => ({ up: () => Promise.resolve(void order.push(name)) });
      await open(fresh, { '0002_second': noting('second'), '0001_first': noting('first') });
      await open(fresh, {
        '0001_first': noting('first'),
        '0002_second': noting('second'),
        '0003_third': noting('third'),
      });
      expect(order).toEqual(['first', 'second', 'third']);
    });

    it('leave nothing of a failed start behind', async () => {
      await using fresh = await testBackend(backend);
      const broken = {
        '0001_fine': creating('fine'),
        '0002_broken': {
          up: async (transaction: Kysely<unknown>) => {
            await sql`create table half (n int)`.execute(transaction);
            await sql`select no_such_column from half`.execute(transaction);
          },
        },
      };
      await expect(open(fresh, broken)).rejects.toMatchObject({
        code: 'migration_failed',
        message: expect.stringContaining('"0002_broken"'),
      });
      const mended = await open(fresh, { '0001_fine': creating('fine'), '0002_mended': creating('half') });
      expect((await mended.health()).ready).toBe(true);
    });

    it('refuse a history that is not theirs, and accept one that is further on', async () => {
      await using fresh = await testBackend(backend);
      const first = { '0001_one': creating('one') };
      const both = { ...first, '0002_two': creating('two') };
      await open(fresh, both);
      await expect(open(fresh, { ...first, '0002_other': creating('other') })).rejects.toMatchObject({
        code: 'migration_history_mismatch',
      });
      const older = await open(fresh, first);
      expect((await older.health()).ready).toBe(true);
    });

    it.each(['0002_starts_late', '1_short', '0001-dashes', 'create_table'])('refuse the name %s', async (name) => {
      await expect(open(opened.backend, { [name]: creating('x') })).rejects.toMatchObject({
        code: 'invalid_migration_name',
      });
    });

    it.each<[string, string, string[]]>([
      [
        'a tenant table without protection',
        'needs protectTenantTable',
        ['create table t (tenant_id text primary key)'],
      ],
      [
        'a primary key without the tenant',
        'lacks tenant_id',
        ['create table t (tenant_id text, id text primary key)', 'protect'],
      ],
      [
        'a view that reads as its owner',
        'security_invoker',
        ['create table t (tenant_id text primary key)', 'protect', 'create view v as select * from t'],
      ],
    ])('refuse %s', async (_what, message, statements) => {
      await using fresh = await testBackend(backend);
      const up = async (transaction: Kysely<unknown>) => {
        for (const statement of statements) {
          if (statement === 'protect') await protectTenantTable(transaction, 't', { tenant: ['select'] });
          else await sql.raw(statement).execute(transaction);
        }
      };
      await expect(open(fresh, { '0001_t': { up } })).rejects.toMatchObject({
        code: 'unprotected_table',
        message: expect.stringContaining(message),
      });
    });

    it.each(['', 'Upper', 'a b', 'x"; drop schema public; --', 'a'.repeat(41), '1st', 'a--b'])(
      'refuse the service name %j',
      async (name) => {
        await expect(openDatabase({ backend: opened.backend, service: name, migrations: {} })).rejects.toMatchObject({
          code: 'invalid_service_name',
        });
      },
    );
  });

  it('keeps two services of one backend apart', async () => {
    await using both = await testBackend(backend);
    const first = await openDatabase<Tables>({ backend: both, service: 'first', migrations });
    const second = await openDatabase<Tables>({ backend: both, service: 'second', migrations });
    await insert(first, 'acme', 'of-first');
    await insert(second, 'acme', 'of-second');
    expect(await first.forTenant('acme', idsOf)).toEqual(['of-first']);
    expect(await second.asService(idsOf)).toEqual(['of-second']);
    await expect(
      first.asService((transaction) => sql`select * from second.document`.execute(transaction)),
    ).rejects.toMatchObject({ code: 'database_access_denied' });
  });

  it('finishes what runs, then closes, and says so to latecomers', async () => {
    await using closing = await testDatabase<Tables>({ service, migrations, backend });
    const order: string[] = [];
    const gate = deferred();
    const inside = deferred();
    const running = closing.database.forTenant('acme', async (transaction) => {
      inside.resolve();
      await gate.promise;
      order.push('work');
      return idsOf(transaction);
    });
    await inside.promise;
    const closed = closing.database.close().then(() => order.push('closed'));
    await expect(closing.database.forTenant('acme', idsOf)).rejects.toMatchObject({ code: 'database_closed' });
    gate.resolve();
    expect(await running).toEqual([]);
    await closed;
    expect(order).toEqual(['work', 'closed']);
    await closing.database.close();
    expect(await closing.database.health()).toEqual({ ready: false, problems: ['This database was closed.'] });
  });

  it('answers database_closed once its backend is closed', async () => {
    const closing = await testDatabase<Tables>({ service, migrations, backend });
    await closing.backend.close();
    await expect(closing.database.asService(idsOf)).rejects.toMatchObject({ code: 'database_closed' });
    await closing.database.close();
  });
});
