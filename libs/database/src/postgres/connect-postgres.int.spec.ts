/** What only a server with users, connections and restarts can show. */
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deferred, eventually, startPostgres, startTcpProxy, type PostgresServer } from '@millrace/testing';
import { sql, type Kysely } from 'kysely';
import pg from 'pg';
import type { Database, Migrations } from '../database.js';
import { migrateDatabase, openDatabase } from '../open-database.js';
import { protectTenantTable } from '../schema/protect.js';
import { connectPostgres, type PostgresOptions } from './connect-postgres.js';

interface Tables {
  note: { tenant_id: string; id: string; text: string };
}

const migrations: Migrations = {
  '0001_notes': {
    async up(transaction: Kysely<unknown>) {
      await sql`create table note (tenant_id text, id text, text text not null, primary key (tenant_id, id))`.execute(
        transaction,
      );
      await protectTenantTable(transaction, 'note', {
        tenant: ['select', 'insert'],
        service: ['select', 'insert', 'update'],
      });
    },
  },
};
const canary = 'canary-password-4711';

let server: PostgresServer;
let databases = 0;
beforeAll(async () => {
  server = await startPostgres({ exclusive: true, settings: { deadlock_timeout: '50ms' } });
});
afterAll(() => server.stop());

const newDatabase = (): Promise<string> => server.createDatabase(`d${++databases}`);

async function asAdministrator(connectionString: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

async function sessionsOf(database: string): Promise<number | null> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const { rowCount } = await client.query('select from pg_stat_activity where datname = $1', [database]);
  await client.end();
  return rowCount;
}

async function withDatabase(
  options: PostgresOptions & { readonly service?: string },
  work: (database: Database<Tables>) => Promise<void>,
): Promise<void> {
  await using backend = connectPostgres(options);
  await work(await openDatabase<Tables>({ backend, service: options.service ?? 'notes', migrations }));
}

const opening = (connectionString: string, service = 'notes') =>
  withDatabase({ connectionString, service }, async () => {});
const addNote = (database: Database<Tables>, id: string) =>
  database.forTenant('acme', (transaction) =>
    transaction.insertInto('note').values({ tenant_id: 'acme', id, text: id }).execute(),
  );
const as = (connectionString: string, user: string): string => {
  const url = new URL(connectionString);
  url.username = user;
  url.password = canary;
  return url.href;
};

describe('connecting', () => {
  it.each(['', 'not an address', `mysql://root:${canary}@host/db`, `host=localhost password=${canary}`])(
    'refuses the address %j without repeating it',
    (connectionString) => {
      let thrown: unknown;
      try {
        connectPostgres({ connectionString });
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: 'invalid_configuration', kind: 'invalid' });
      expect(inspect(thrown, { depth: 10 })).not.toContain(canary);
    },
  );

  it('says that a server is not there, or refuses, without its password', async () => {
    const cases = [
      [`postgres://user:${canary}@127.0.0.1:1/db`, 'database_unavailable', true],
      [`postgres://user:${canary}@no-such-host.invalid/db`, 'database_unavailable', true],
      [as(await newDatabase(), 'postgres'), 'database_refused', false],
      [server.url.replace(/\/postgres$/, '/no_such_database'), 'database_refused', false],
    ] as const;
    for (const [connectionString, code, retryable] of cases) {
      const error: unknown = await opening(connectionString).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, retryable });
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(canary);
    }
  });

  it('keeps its role whatever the options in the address say', async () => {
    const url = new URL(await newDatabase());
    url.searchParams.set('options', '-c role=postgres -c search_path=pg_catalog -c work_mem=5MB');
    await withDatabase({ connectionString: url.href }, async (database) => {
      const { rows } = await database.asServiceStatement(
        () => sql`select current_user as role, current_schema() as schema, current_setting('work_mem') as memory`,
      );
      expect(rows).toEqual([{ role: 'millrace_notes_service', schema: 'notes', memory: '5MB' }]);
    });
  });

  it('comes back by itself after the server was killed, and loses only what was not committed', async () => {
    await withDatabase({ connectionString: await newDatabase() }, async (database) => {
      await addNote(database, 'before');
      const inside = deferred();
      const gate = deferred();
      const caught = database.forTenant('acme', async (transaction) => {
        await transaction.insertInto('note').values({ tenant_id: 'acme', id: 'lost', text: '' }).execute();
        inside.resolve();
        await gate.promise;
        return transaction.selectFrom('note').selectAll().execute();
      });
      await inside.promise;
      await server.kill();
      gate.resolve();
      await expect(caught).rejects.toMatchObject({ code: 'database_unavailable', retryable: true });
      await expect(addNote(database, 'meanwhile')).rejects.toMatchObject({ code: 'database_unavailable' });
      expect(await database.health()).toEqual({ ready: false, problems: ['The database does not answer.'] });
      await server.restart();
      await eventually(async () => (await database.health()).ready, { describe: 'the database is back' });
      await addNote(database, 'after');
      const { rows } = await database.asServiceStatement((tables) =>
        tables.selectFrom('note').select('id').orderBy('id'),
      );
      expect(rows).toEqual([{ id: 'after' }, { id: 'before' }]);
    });
  });
});

describe('limits', () => {
  it('ends a statement that takes too long, and goes on', async () => {
    await withDatabase({ connectionString: await newDatabase(), statementTimeoutMs: 50 }, async (database) => {
      const sleep = sql`select pg_sleep(60)`;
      await expect(database.asServiceStatement(() => sleep)).rejects.toMatchObject({ code: 'database_timeout' });
      await expect(database.forTenant('acme', (transaction) => sleep.execute(transaction))).rejects.toMatchObject({
        code: 'database_timeout',
      });
      expect((await database.health()).ready).toBe(true);
    });
  });

  it('ends a transaction that sits idle', async () => {
    await withDatabase({ connectionString: await newDatabase(), idleInTransactionTimeoutMs: 50 }, async (database) => {
      const idle = database.asService(async (transaction) => {
        await sql`select 1`.execute(transaction);
        await eventually(async () => (await sessionsOf(`d${databases}`)) === 0, { describe: 'the server ended it' });
        await sql`select 1`.execute(transaction);
      });
      await expect(idle).rejects.toMatchObject({ code: 'database_unavailable' });
      expect((await database.health()).ready).toBe(true);
    });
  });

  it('are such that a silent connection is let go of in less than 20 seconds, on both sides', async () => {
    await withDatabase({ connectionString: await newDatabase() }, async (database) => {
      const { rows } = await database.asServiceStatement(
        () => sql<{ name: string; seconds: number }>`
          select name, setting::integer / 1000 as seconds from pg_settings
          where name in ('statement_timeout', 'idle_in_transaction_session_timeout') order by name`,
      );
      expect(rows).toEqual([
        { name: 'idle_in_transaction_session_timeout', seconds: 10 },
        { name: 'statement_timeout', seconds: 15 },
      ]);
    });
  });

  it('give up a transaction on a connection that has gone silent: its caller waits once, others get what it holds', async () => {
    const direct = await newDatabase();
    await using proxy = await startTcpProxy(Number(new URL(direct).port));
    const silent = new URL(direct);
    silent.port = String(proxy.port);
    const limits = { statementTimeoutMs: 3_000, idleInTransactionTimeoutMs: 500, maxConnections: 1 };
    const change = (database: Database<Tables>, text: string) =>
      database.asService((transaction) =>
        transaction.updateTable('note').set({ text }).where('id', '=', 'held').execute(),
      );
    await withDatabase({ ...limits, connectionString: silent.href }, async (database) => {
      await addNote(database, 'held');
      const held = database.asService(async (transaction) => {
        await transaction.updateTable('note').set({ text: 'lost' }).where('id', '=', 'held').execute();
        proxy.blackhole();
        await sql`select 1`.execute(transaction).finally(() => (silentUntil = performance.now()));
      });
      let silentUntil = -Infinity;
      const failed = expect(held).rejects.toMatchObject({ code: 'database_unavailable', retryable: true });
      // Somebody whose connection is sound waits for the row until the server has ended the silent transaction.
      await withDatabase({ connectionString: direct }, (other) => change(other, 'kept').then(() => undefined));
      await failed;
      // Rolling back over the same silence would take as long again: the limit and the margin after it.
      expect(performance.now() - silentUntil).toBeLessThan(6_000);
      proxy.heal();
      await eventually(async () => (await database.health()).ready, { describe: 'the only connection was given up' });
      const { rows } = await database.asServiceStatement((tables) => tables.selectFrom('note').select('text'));
      expect(rows).toEqual([{ text: 'kept' }]);
    });
  });

  it('says overloaded when no connection becomes free, as inside another transaction', async () => {
    const options = { connectionString: await newDatabase(), maxConnections: 1, connectionTimeoutMs: 2_000 };
    await withDatabase(options, async (database) => {
      await expect(database.forTenant('acme', () => addNote(database, 'nested'))).rejects.toMatchObject({
        code: 'database_overloaded',
        retryAfterSeconds: 1,
      });
      await addNote(database, 'afterwards');
    });
  });

  it('resolves a deadlock by another attempt', async () => {
    await withDatabase({ connectionString: await newDatabase() }, async (database) => {
      await addNote(database, 'a');
      await addNote(database, 'b');
      const meeting = { a: deferred(), b: deferred() };
      const touch = (first: 'a' | 'b', second: 'a' | 'b') =>
        database.asService(
          async (transaction) => {
            const append = (id: string) =>
              transaction
                .updateTable('note')
                .set({ text: sql<string>`text || ${first}` })
                .where('id', '=', id)
                .execute();
            await append(first);
            meeting[first].resolve();
            await meeting[second].promise;
            await append(second);
          },
          { attempts: 10 },
        );
      await Promise.all([touch('a', 'b'), touch('b', 'a')]);
      const { rows } = await database.asServiceStatement((tables) => tables.selectFrom('note').select('text'));
      for (const { text } of rows) expect([...text].sort().join('')).toMatch(/^(aab|abb)$/);
    });
  });
});

describe('users and roles', () => {
  it('tells the administrator what to run for a user who may not make roles', async () => {
    const url = await newDatabase();
    await asAdministrator(server.url, `create role plain login password '${canary}'`);
    const error: unknown = await opening(as(url, 'plain'), 'plain-notes').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'database_roles_missing' });
    const statements = (error as Error).message.split('administrator run: ')[1] ?? '';
    await asAdministrator(url, statements);

    const noSchema: unknown = await opening(as(url, 'plain'), 'plain-notes').catch((thrown: unknown) => thrown);
    expect(noSchema).toMatchObject({ code: 'database_schema_missing' });
    await asAdministrator(url, 'create schema plain_notes authorization plain');
    await withDatabase({ connectionString: as(url, 'plain'), service: 'plain-notes' }, (database) =>
      addNote(database, 'works').then(() => undefined),
    );
  });

  it('works for an owner without superuser rights, and its data migrations see all rows', async () => {
    const url = await newDatabase();
    await asAdministrator(
      url,
      `create role maker login createrole password '${canary}'`,
      `alter database ${new URL(url).pathname.slice(1)} owner to maker`,
    );
    await using backend = connectPostgres({ connectionString: as(url, 'maker') });
    const first = await openDatabase<Tables>({ backend, service: 'made', migrations });
    await addNote(first, 'one');
    const widened: Migrations = {
      ...migrations,
      '0002_shout': {
        up: async (owner: Kysely<unknown>) => void (await sql`update note set text = upper(id)`.execute(owner)),
      },
    };
    const second = await openDatabase<Tables>({ backend, service: 'made', migrations: widened });
    const { rows } = await second.asServiceStatement((tables) => tables.selectFrom('note').selectAll());
    expect(rows).toEqual([{ tenant_id: 'acme', id: 'one', text: 'ONE' }]);
    expect(
      await second.forTenant('other', (transaction) => transaction.selectFrom('note').selectAll().execute()),
    ).toEqual([]);
  });

  it('refuses a role that bypasses row-level security', async () => {
    await asAdministrator(server.url, 'create role millrace_loose_tenant nologin bypassrls');
    await expect(opening(await newDatabase(), 'loose')).rejects.toMatchObject({ code: 'unsafe_database_role' });
  });

  it('lets several databases of one server make the same roles at once', async () => {
    await asAdministrator(server.url, `create role swarmer login createrole password '${canary}'`);
    const urls: string[] = [];
    for (let index = 0; index < 4; index++) {
      const url = await newDatabase();
      await asAdministrator(server.url, `alter database ${new URL(url).pathname.slice(1)} owner to swarmer`);
      urls.push(as(url, 'swarmer'));
    }
    await Promise.all(urls.map((url) => opening(url, 'swarm')));
  });
});

describe('an owner who migrates and a login that works', () => {
  const widened: Migrations = {
    ...migrations,
    '0002_stars': {
      up: async (owner: Kysely<unknown>) => void (await sql`alter table note add column stars int`.execute(owner)),
    },
  };

  /** A database whose owner may make roles, and a login that may only connect. */
  async function parties(service: string) {
    const url = await newDatabase();
    const [owner, login] = [`${service}_owner`, `${service}_login`];
    await asAdministrator(
      url,
      `create role ${owner} login createrole password '${canary}'`,
      `create role ${login} login noinherit password '${canary}'`,
      `alter database ${new URL(url).pathname.slice(1)} owner to ${owner}`,
      'revoke create on schema public from public',
    );
    return { url, login, owner: as(url, owner), worker: as(url, login) };
  }

  async function migrateAs(owner: string, service: string, known: Migrations, login?: string) {
    await using backend = connectPostgres({ connectionString: owner });
    return migrateDatabase({ backend, service, migrations: known, login });
  }

  async function check(
    worker: string,
    service: string,
    known: Migrations,
    work?: (notes: Database<Tables>) => unknown,
  ) {
    await using backend = connectPostgres({ connectionString: worker });
    const database = await openDatabase<Tables>({ backend, service, migrations: known, schema: 'check' });
    await work?.(database);
  }

  it('lets the login do all that the service does, and nothing to the schema', async () => {
    const { owner, worker, login } = await parties('frugal');
    expect(await migrateAs(owner, 'frugal', migrations, login)).toEqual(['0001_notes']);
    expect(await migrateAs(owner, 'frugal', migrations, login)).toEqual([]);
    await check(worker, 'frugal', migrations, async (database) => {
      await addNote(database, 'one');
      await database.asService((transaction) => transaction.updateTable('note').set({ text: 'two' }).execute());
      for (const statement of [
        sql`create table frugal.own (id int)`,
        sql`alter table frugal.note add column own int`,
        sql`delete from frugal.migration`,
        sql`drop table frugal.note`,
        sql`create schema own`,
      ]) {
        await expect(database.asServiceStatement(() => statement)).rejects.toMatchObject({
          code: expect.stringMatching(/^(database_access_denied|42501)$/),
        });
      }
    });
    for (const statement of ['select * from frugal.note', 'create schema own', 'create table public.own (id int)']) {
      await expect(asAdministrator(worker, statement)).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('says what is missing, at each step before the login may work', async () => {
    const { url, owner, worker, login } = await parties('early');
    const refusal = async (known = migrations) =>
      check(worker, 'early', known).then(
        () => undefined,
        (error: unknown) => error,
      );
    const noRoles = await refusal();
    expect(noRoles).toMatchObject({ code: 'database_roles_missing' });
    await asAdministrator(url, (noRoles as Error).message.split('administrator run: ')[1] ?? '');
    expect(await refusal()).toMatchObject({ code: 'database_schema_outdated', retryable: false });
    await asAdministrator(url, `grant millrace_early_tenant, millrace_early_service to early_owner`);
    await migrateAs(owner, 'early', migrations, login);
    expect(await refusal()).toBeUndefined();
    const outdated = await refusal(widened);
    expect(outdated).toMatchObject({ code: 'database_schema_outdated' });
    expect((outdated as Error).message).toMatch(/is at 0001_notes, .* needs 0002_stars/);
  });

  it('lets the former version work on what the next one migrated', async () => {
    const { owner, worker, login } = await parties('rolling');
    await migrateAs(owner, 'rolling', widened, login);
    await check(worker, 'rolling', migrations, (database) => addNote(database, 'from the former version'));
    expect(await migrateAs(owner, 'rolling', migrations, login)).toEqual([]);
    await expect(check(worker, 'rolling', { '0001_other': migrations['0001_notes']! })).rejects.toMatchObject({
      code: 'migration_history_mismatch',
    });
  });

  it('says that the login does not exist, and refuses one that bypasses row-level security', async () => {
    const { url, owner, worker } = await parties('strict');
    await expect(migrateAs(owner, 'strict', migrations, 'no_such_login')).rejects.toMatchObject({
      code: 'database_login_missing',
    });
    await migrateAs(owner, 'strict', migrations, 'strict_login');
    await asAdministrator(url, 'alter role millrace_strict_service bypassrls');
    await expect(check(worker, 'strict', migrations)).rejects.toMatchObject({ code: 'unsafe_database_role' });
  });
});

describe('prepared statements', () => {
  it('survive a migration that changes what they give', async () => {
    const url = await newDatabase();
    await withDatabase({ connectionString: url, maxConnections: 1 }, async (database) => {
      const all = () => database.asServiceStatement(() => sql`select * from note`);
      await addNote(database, 'one');
      expect((await all()).rows).toEqual([{ tenant_id: 'acme', id: 'one', text: 'one' }]);
      await asAdministrator(url, 'alter table notes.note add column stars int');
      expect((await all()).rows).toEqual([{ tenant_id: 'acme', id: 'one', text: 'one', stars: null }]);
    });
  });
});
