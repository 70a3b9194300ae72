import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '@millrace/kernel';
import { backendKinds, testDatabase, type TestDatabase } from '@millrace/testing';
import { sql } from 'kysely';
import { migrations } from '../schema/migrations/index.js';
import type { LlmProviderTables } from '../schema/tables.js';
import { CompletionLedger } from '../ledger/completion-ledger.js';
import { AccountBook } from './account-book.js';
import type { Payer } from './account-book.statement.js';
import { Budgets, type Hold } from './budgets.js';
import { CallAccount } from './call-account.js';
import { nanoAbove, nanoOf, usdOf } from './money.js';
import { UsageReader } from './usage.reader.js';

const hour = 3_600_000;
const call = { callId: 'r:n:1', runId: 'r', node: 'n', model: 'here/small' };

/** What one process does with budgets: it holds for attempts, and settles them in the ledger. */
class Replica extends Budgets {
  private readonly ledger: CompletionLedger;
  constructor(database: TestDatabase<LlmProviderTables>['database']) {
    const book = new AccountBook(database);
    super(database, book);
    this.ledger = new CompletionLedger(database, book);
  }

  holdFor(payer: Payer, usd: number, forMs = hour): Promise<Hold | null> {
    return this.hold(payer, nanoAbove(usd), forMs, call);
  }

  async settle(hold: Hold, usd: number, keyId: string | null = 'key1'): Promise<void> {
    const account = new CallAccount({ ...call, tenantId: hold.tenantId, keyId });
    const usage = { promptTokens: 1, completionTokens: 1 };
    const charge = { model: call.model, usage, costNano: nanoOf(usd), hold };
    await this.ledger.recordFailure(account, charge, { id: hold.id, code: 'spec', text: '', outcome: 'failed' });
  }
}

describe.each(backendKinds)('budgets on %s', (backend) => {
  let test: TestDatabase<LlmProviderTables>;
  /** Two processes on one database. */
  let replicas: readonly [Replica, Replica];
  let payer: Payer;
  beforeAll(async () => {
    test = await testDatabase<LlmProviderTables>({ backend, service: 'llm-provider', migrations });
    replicas = [new Replica(test.database), new Replica(test.database)];
  });
  afterAll(() => test.close());
  beforeEach(() => {
    payer = { tenantId: newId('tenant').slice(0, 40), keyId: 'key1' };
  });

  const holdOrNull = (usd: number, of = payer, replica = replicas[0]): Promise<Hold | null> =>
    replica.holdFor(of, usd).catch((error: { code: string }) => {
      if (error.code === 'budget_exceeded') return null;
      throw error;
    });
  const tenantBudget = async () => {
    const [budget] = await replicas[1].list(payer.tenantId);
    return budget;
  };

  it('hold no more than there is, whoever asks at the same time', async () => {
    await replicas[0].set(payer.tenantId, { usdPerMonth: 0.1 });
    const asked = Array.from({ length: 25 }).flatMap(() => replicas.map((replica) => holdOrNull(0.01, payer, replica)));
    const held = (await Promise.all(asked)).filter((hold) => hold !== null);
    expect(held).toHaveLength(10);
    expect(await tenantBudget()).toEqual({ key: null, usdPerMonth: 0.1, spentUsd: 0, reservedUsd: 0.1 });
  });

  it('never exceed their limit while calls are held and settled at once', async () => {
    await replicas[0].set(payer.tenantId, { usdPerMonth: 0.1 });
    const call = async (index: number): Promise<number> => {
      const hold = await holdOrNull(0.01, payer, replicas[index % 2]);
      const budget = await tenantBudget();
      expect((budget?.spentUsd ?? 1) + (budget?.reservedUsd ?? 1)).toBeLessThanOrEqual(0.1);
      if (hold === null) return 0;
      await replicas[index % 2]?.settle(hold, 0.004);
      return 0.004;
    };
    const costs = await Promise.all(Array.from({ length: 50 }, (_, index) => call(index)));
    const spent = costs.reduce((sum, cost) => sum + cost, 0);
    const budget = await tenantBudget();
    expect(budget?.spentUsd).toBeCloseTo(spent, 9);
    expect(budget?.reservedUsd).toBe(0);
  });

  it('bound a key within its tenant, and no other key', async () => {
    await replicas[0].set(payer.tenantId, { usdPerMonth: 1 });
    await replicas[0].set(payer.tenantId, { key: 'key1', usdPerMonth: 0.02 });
    const hold = await holdOrNull(0.015);
    expect(hold).not.toBeNull();
    expect(await holdOrNull(0.015)).toBeNull();
    expect(await holdOrNull(0.9, { ...payer, keyId: 'key2' })).not.toBeNull();
    // What the refused call would have held of the tenant's own budget is not held.
    expect(await holdOrNull(0.08, { ...payer, keyId: null })).not.toBeNull();
    expect(await holdOrNull(0.01, { ...payer, keyId: null })).toBeNull();
    await replicas[1].settle(hold as Hold, 0.001);
    expect(await replicas[0].list(payer.tenantId)).toEqual([
      { key: null, usdPerMonth: 1, spentUsd: 0.001, reservedUsd: 0.98 },
      { key: 'key1', usdPerMonth: 0.02, spentUsd: 0.001, reservedUsd: 0 },
    ]);
  });

  /** What the ledger says that all of it cost. */
  const ledgerUsd = async (): Promise<number> => {
    const rows = await new UsageReader(test.database).read(payer.tenantId, {});
    return usdOf(rows.reduce((sum, { costUsd }) => sum + nanoOf(costUsd), 0));
  };

  it('count what the ledger counts, to the billionth, while both are written by two processes at once', async () => {
    await replicas[0].set(payer.tenantId, { usdPerMonth: 10 });
    await replicas[0].set(payer.tenantId, { key: 'key1', usdPerMonth: 10 });
    const one = async (index: number): Promise<void> => {
      const of = index % 3 === 0 ? { ...payer, keyId: null } : payer;
      const hold = (await holdOrNull(0.01, of, replicas[index % 2])) as Hold;
      await replicas[(index + 1) % 2]?.settle(hold, 0.000_000_001 * (index + 1), of.keyId);
    };
    await Promise.all(Array.from({ length: 60 }, (_, index) => one(index)));
    expect(await ledgerUsd()).toBe(0.000_001_83);
    const [ofTenant, ofKey] = await replicas[1].list(payer.tenantId);
    expect(ofTenant).toMatchObject({ spentUsd: 0.000_001_83, reservedUsd: 0 });
    expect(ofKey).toMatchObject({ spentUsd: 0.000_001_24, reservedUsd: 0 });
  });

  it('take back what was counted as lost when its cost is known after all, once', async () => {
    await replicas[0].set(payer.tenantId, { usdPerMonth: 1 });
    const hold = (await replicas[0].holdFor(payer, 0.5, -1)) as Hold;
    await replicas[1].settleExpired();
    expect(await tenantBudget()).toMatchObject({ spentUsd: 0.5, reservedUsd: 0 });
    expect(await ledgerUsd()).toBe(0.5);
    await replicas[0].settle(hold, 0.2);
    expect(await tenantBudget()).toMatchObject({ spentUsd: 0.2, reservedUsd: 0 });
    expect(await ledgerUsd()).toBe(0.2);
  });

  it('count as spent what a killed process held, when its time is over', async () => {
    await replicas[0].set(payer.tenantId, { usdPerMonth: 1 });
    await replicas[0].set(payer.tenantId, { key: 'key1', usdPerMonth: 1 });
    await replicas[0].holdFor(payer, 0.3, -1);
    await replicas[0].holdFor(payer, 0.2);
    await Promise.all(replicas.map((replica) => replica.settleExpired()));
    expect(await replicas[1].list(payer.tenantId)).toEqual([
      { key: null, usdPerMonth: 1, spentUsd: 0.3, reservedUsd: 0.2 },
      { key: 'key1', usdPerMonth: 1, spentUsd: 0.3, reservedUsd: 0.2 },
    ]);
  });

  it('begin anew with each month, and keep what is held', async () => {
    await replicas[0].set(payer.tenantId, { usdPerMonth: 1 });
    await replicas[0].settle((await holdOrNull(0.9)) as Hold, 0.9);
    const held = (await holdOrNull(0.1)) as Hold;
    expect(await holdOrNull(0.5)).toBeNull();
    const { tenantId } = payer;
    await test.database.forTenant(tenantId, (transaction) =>
      transaction.updateTable('budget').set({ month: '2001-01' }).where('tenant_id', '=', tenantId).execute(),
    );
    expect(await tenantBudget()).toMatchObject({ spentUsd: 0, reservedUsd: 0.1 });
    expect(await holdOrNull(0.95)).toBeNull();
    await replicas[0].settle(held, 0.05);
    expect(await holdOrNull(0.95)).not.toBeNull();
    expect(await tenantBudget()).toMatchObject({ spentUsd: 0.05, reservedUsd: 0.95 });
  });

  it('bound nothing where there is none, and nobody else', async () => {
    expect(await replicas[0].holdFor(payer, 1_000)).toBeNull();
    await replicas[0].set(payer.tenantId, { usdPerMonth: 0 });
    expect(await holdOrNull(0.000_000_001)).toBeNull();
    expect(await replicas[0].holdFor({ ...payer, tenantId: 'another' }, 1_000)).toBeNull();
    expect(await replicas[0].list('another')).toEqual([]);
    await replicas[0].set(payer.tenantId, { usdPerMonth: null });
    expect(await replicas[0].list(payer.tenantId)).toEqual([]);
  });

  it('count what the month has cost before they are set', async () => {
    const { tenantId } = payer;
    await test.database.forTenant(tenantId, (transaction) =>
      sql`insert into completion (tenant_id, task_id, run_id, node, model, output, prompt_tokens, completion_tokens, cost_usd, key_id)
        values (${tenantId}, 't1', 'r', 'n', 'm', '{}', 1, 1, 0.25, null), (${tenantId}, 't2', 'r', 'n', 'm', '{}', 1, 1, 0.5, 'key1')`.execute(
        transaction,
      ),
    );
    await replicas[0].set(tenantId, { usdPerMonth: 1 });
    await replicas[0].set(tenantId, { key: 'key1', usdPerMonth: 1 });
    expect((await replicas[0].list(tenantId)).map(({ spentUsd }) => spentUsd)).toEqual([0.75, 0.5]);
  });
});
