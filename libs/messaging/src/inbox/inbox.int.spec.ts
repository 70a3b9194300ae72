import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Database } from '@millrace/database';
import { backendKinds, testDatabase, type TestDatabase } from '@millrace/testing';
import { protectServiceTable } from '@millrace/database';
import { sql } from 'kysely';
import { numbers, token } from '../conformance/bus-world.js';
import { handleOnce, pruneInbox } from './handle-once.js';
import { inboxMigration } from './inbox.migration.js';

type Tables = Record<string, never>;
const migrations = {
  '0001_inbox': inboxMigration,
  '0002_effect': {
    up: async (transaction: Parameters<typeof inboxMigration.up>[0]) => {
      await sql`create table effect (id text not null)`.execute(transaction);
      await protectServiceTable(transaction, 'effect', { service: ['select', 'insert'] });
    },
  },
};

describe.each(backendKinds)('the inbox on %s', (backend) => {
  let test: TestDatabase<Tables>;
  let database: Database<Tables>;
  beforeAll(async () => {
    test = await testDatabase<Tables>({ backend, service: 'inbox-user', migrations });
    database = test.database;
  });
  afterAll(() => test.close());

  const handle = (id: string, consumer = 'mailer', tenantId = 'acme', fail = false) =>
    database.asService((transaction) =>
      handleOnce(transaction, consumer, { tenantId, id }, async () => {
        await sql`insert into effect values (${id})`.execute(transaction);
        if (fail) throw new Error('after the effect');
        return `did ${id}`;
      }),
    );
  const effects = async (id: string): Promise<number> => {
    const { rows } = await database.asService((transaction) =>
      sql<{ count: number }>`select count(*)::int as count from effect where id = ${id}`.execute(transaction),
    );
    return rows[0]?.count ?? -1;
  };

  it('does the work once per consumer and tenant, and gives its result', async () => {
    const id = token();
    expect(await handle(id)).toEqual({ handled: true, result: `did ${id}` });
    expect(await handle(id)).toEqual({ handled: false });
    expect(await effects(id)).toBe(1);
    expect(await handle(id, 'biller')).toMatchObject({ handled: true });
    expect(await handle(id, 'mailer', 'globex')).toMatchObject({ handled: true });
  });

  it('does it once when many copies arrive at the same moment', async () => {
    const id = token();
    const outcomes = await Promise.all(numbers(8).map(() => handle(id)));
    expect(outcomes.filter((outcome) => outcome.handled)).toHaveLength(1);
    expect(await effects(id)).toBe(1);
  });

  it('forgets a message whose work failed', async () => {
    const id = token();
    await expect(handle(id, 'mailer', 'acme', true)).rejects.toThrow('after the effect');
    expect(await effects(id)).toBe(0);
    expect(await handle(id)).toMatchObject({ handled: true });
  });

  it('works as a tenant, for that tenant only', async () => {
    const id = token();
    const as = (tenantId: string) =>
      database.forTenant('acme', (transaction) =>
        handleOnce(transaction, 'mailer', { tenantId, id }, () => Promise.resolve(1)),
      );
    expect(await as('acme')).toEqual({ handled: true, result: 1 });
    expect(await as('acme')).toEqual({ handled: false });
    await expect(as('globex')).rejects.toThrow();
  });

  it('is pruned by age, in bounded steps', async () => {
    await database.asService((transaction) =>
      sql`insert into inbox_message select 'acme', 'pruned', 'old-' || n, now() - interval '8 days' from generate_series(1, 25) n`.execute(
        transaction,
      ),
    );
    const id = token();
    await handle(id, 'pruned');
    const prune = (limit: number): Promise<number> =>
      database.asService((transaction) => pruneInbox(transaction, { olderThanMs: 7 * 24 * 3_600_000, limit }));
    expect([await prune(20), await prune(20), await prune(20)]).toEqual([20, 5, 0]);
    expect(await handle(id, 'pruned')).toEqual({ handled: false });
  });
});
