/**
 * Budgets of tenants and keys, by month.
 *
 * 1. What is spent and what is held together never exceed a budget: a call is made only after the most that it can cost is held,
 *    in all budgets of the call or in none.
 * 2. What an attempt cost replaces what was held for it, in the statement that writes the ledger (see `account-book.ts`).
 * 3. A hold that nobody settled (its process was killed) counts as spent when its time is over, and is a row of the ledger from then
 *    on: the provider may have billed it.
 * 4. Rows of budgets are locked in the order of their keys, so that calls never wait for each other in a circle.
 */
import type { Budget, NewBudget } from '@millrace/contracts';
import { MillraceError, newId, systemClock } from '@millrace/kernel';
import { DATABASE, type ServiceDatabase } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { LlmProviderTables } from '../schema/tables.js';
import { AccountBook } from './account-book.js';
import type { Payer } from './account-book.statement.js';
import type { CallIdentity } from './call-account.js';
import { monthOf, nanoOf, usdOf } from './money.js';

export interface Hold {
  readonly tenantId: string;
  readonly id: string;
}

const mostBudgets = 1_000;

@Injectable()
export class Budgets {
  constructor(
    @Inject(DATABASE) private readonly database: ServiceDatabase<LlmProviderTables>,
    @Inject(AccountBook) private readonly book: AccountBook,
  ) {}

  /**
   * Holds the most that an attempt can cost; null where no budget bounds it.
   * @param amount billionths of a dollar
   * @param forMs after this time the hold counts as spent
   * @param about what the ledger says of it then
   * @throws MillraceError `budget_exceeded`, for good in this month
   */
  async hold(
    { tenantId, keyId }: Payer,
    amount: number,
    forMs: number,
    about: CallIdentity & { readonly model: string },
  ): Promise<Hold | null> {
    const id = newId('hold');
    const expiresAt = new Date(systemClock.now().getTime() + forMs);
    const { budgets, fits } = await this.book.hold({ tenantId, keyId, id, amountNano: amount, expiresAt, ...about });
    if (!fits) throw exceeded(usdOf(amount));
    return budgets === 0 ? null : { tenantId, id };
  }

  /** Counts as spent what was held for attempts of which nobody has heard in time, and writes them down as lost. */
  async settleExpired(): Promise<void> {
    const now = systemClock.now();
    const month = monthOf(now);
    await this.database.asServiceStatement(
      () => sql`
        with expired as materialized (
          select tenant_id, id from budget_hold where expires_at < ${now.toISOString()}::timestamptz
          order by tenant_id, id for update),
        gone as (
          delete from budget_hold using expired
          where budget_hold.tenant_id = expired.tenant_id and budget_hold.id = expired.id
          returning budget_hold.*),
        written as (
          insert into completion (tenant_id, task_id, run_id, node, model, output, prompt_tokens, completion_tokens, cost_usd,
            key_id, outcome)
          select tenant_id, id, run_id, node, model, jsonb_build_object('failed', 'process_lost', 'call', call_id), 0, 0,
            (amount_nano::numeric / 1000000000)::double precision, key_id, 'lost'
          from gone),
        charged as materialized (
          select tenant_id, '' as key_id, sum(amount_nano)::bigint as amount from gone group by tenant_id
          union all
          select tenant_id, key_id, sum(amount_nano)::bigint from gone where key_id is not null group by tenant_id, key_id),
        locked as materialized (
          select budget.tenant_id, budget.key_id, charged.amount
          from budget join charged on budget.tenant_id = charged.tenant_id and budget.key_id = charged.key_id
          order by budget.tenant_id, budget.key_id for update of budget)
        update budget set
          reserved_nano = greatest(0, budget.reserved_nano - locked.amount),
          spent_nano = case when budget.month = ${month} then budget.spent_nano else 0 end + locked.amount,
          month = ${month}
        from locked
        where budget.tenant_id = locked.tenant_id and budget.key_id = locked.key_id`,
    );
  }

  /** Sets a budget, or takes it away. What was spent in this month, and what is held, counts from the start. */
  async set(tenantId: string, { key = '', usdPerMonth }: NewBudget): Promise<readonly Budget[]> {
    const month = monthOf(systemClock.now());
    await this.database.forTenant(tenantId, async (transaction) => {
      if (usdPerMonth === null) {
        await transaction.deleteFrom('budget').where('tenant_id', '=', tenantId).where('key_id', '=', key).execute();
        return;
      }
      const { rows } = await sql<{ count: number }>`select count(*)::int as count from budget`.execute(transaction);
      if ((rows[0]?.count ?? 0) >= mostBudgets) throw tooMany();
      const isOfKey = key !== '';
      await sql`
        insert into budget (tenant_id, key_id, limit_nano, month, spent_nano, reserved_nano)
        values (${tenantId}, ${key}, ${nanoOf(usdPerMonth)}, ${month},
          (select coalesce(sum(round(cost_usd::numeric * 1000000000)), 0) from completion
            where tenant_id = ${tenantId} and created_at >= ${`${month}-01T00:00:00Z`}::timestamptz
              and (not ${isOfKey} or key_id = ${key})),
          (select coalesce(sum(amount_nano), 0) from budget_hold
            where tenant_id = ${tenantId} and (not ${isOfKey} or key_id = ${key})))
        on conflict (tenant_id, key_id) do update set limit_nano = excluded.limit_nano`.execute(transaction);
    });
    return this.list(tenantId);
  }

  /** The tenant's own first, then those of its keys. */
  async list(tenantId: string): Promise<readonly Budget[]> {
    const month = monthOf(systemClock.now());
    const rows = await this.database.forTenant(tenantId, (transaction) =>
      transaction.selectFrom('budget').selectAll().orderBy('key_id').execute(),
    );
    return rows.map((row) => ({
      key: row.key_id === '' ? null : row.key_id,
      usdPerMonth: usdOf(row.limit_nano),
      spentUsd: row.month === month ? usdOf(row.spent_nano) : 0,
      reservedUsd: usdOf(row.reserved_nano),
    }));
  }
}

const exceeded = (mostUsd: number): MillraceError =>
  new MillraceError(
    'overloaded',
    'budget_exceeded',
    `The budget of this month has no room for a call that may cost $${mostUsd.toFixed(6)}. Fewer maxTokens make it cheaper.`,
    { retryable: false },
  );

const tooMany = (): MillraceError =>
  new MillraceError('conflict', 'too_many_budgets', `There are ${mostBudgets} budgets. Take one away first.`);
