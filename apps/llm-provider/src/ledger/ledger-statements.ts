import { newId, systemClock } from '@millrace/kernel';
import { type RawBuilder, sql } from 'kysely';
import type { LedgerOutcome } from '../schema/tables.js';
import type { Payer } from '../spending/budgets.js';
import { monthOf } from '../spending/money.js';

export interface LedgerRow {
  readonly tenantId: string;
  readonly id: string;
  readonly runId: string;
  readonly node: string;
  readonly model: string;
  readonly prompt: string | null;
  /** JSON. */
  readonly output: string;
  readonly promptTokens: number;
  readonly cachedPromptTokens: number;
  readonly completionTokens: number;
  readonly costUsd: number;
  readonly keyId: string | null;
  readonly outcome: LedgerOutcome;
}

const columns = sql.raw(
  'tenant_id, task_id, run_id, node, model, prompt, output, prompt_tokens, cached_prompt_tokens, completion_tokens, cost_usd, key_id, outcome',
);

/** The row as it is, under another id and outcome where they are given. */
const valuesOf = (row: LedgerRow, { id, outcome }: Pick<LedgerRow, 'id' | 'outcome'> = row) => sql`
  ${row.tenantId}::text, ${id}::text, ${row.runId}::text, ${row.node}::text, ${row.model}::text, ${row.prompt}::text,
  ${row.output}::jsonb, ${row.promptTokens}::bigint, ${row.cachedPromptTokens}::bigint, ${row.completionTokens}::bigint,
  ${row.costUsd}::double precision, ${row.keyId}::text, ${outcome}::text`;

const inserting = (row: LedgerRow) => sql`
  insert into completion (${columns}) values (${valuesOf(row)}) on conflict (tenant_id, task_id) do nothing returning task_id`;

/** Writes a row that costs nothing. It gives a row where it was new. */
export const insertRow = (row: LedgerRow): RawBuilder<{ task_id: string }> =>
  sql<{ task_id: string }>`${inserting(row)}`;

/**
 * Writes a row and counts what it cost in the budgets in place of its holds. Where there is a row of its id already, the cost is
 * written under another one: it was paid all the same.
 */
export function writeAndSettle(
  row: LedgerRow | null,
  { tenantId, keyId }: Payer,
  { costNano, holds }: { readonly costNano: number; readonly holds: readonly string[] },
): RawBuilder<{ isNew: boolean; released: number }> {
  const month = monthOf(systemClock.now());
  const again = row && valuesOf(row, { id: newId('attempt'), outcome: 'repeated' });
  const written = row === null ? sql`select '' as task_id where false` : inserting(row);
  const repeated =
    again === null
      ? sql`select 1`
      : sql`
          insert into completion (${columns}) select ${again}
          where ${costNano}::bigint > 0 and not exists (select 1 from written)`;
  return sql<{ isNew: boolean; released: number }>`
    with written as (${written}), repeated as (${repeated}),
    gone as (
      delete from budget_hold where tenant_id = ${tenantId} and id = any(${holds}::text[]) returning amount_nano),
    held as materialized (select coalesce(sum(amount_nano), 0)::bigint as amount, count(*)::int as count from gone),
    locked as materialized (
      select key_id from budget where tenant_id = ${tenantId} and key_id in ('', coalesce(${keyId}::text, ''))
      order by key_id for update),
    counted as (
      update budget set
        reserved_nano = greatest(0, budget.reserved_nano - held.amount),
        spent_nano = case when budget.month = ${month} then budget.spent_nano else 0 end + ${costNano}::bigint,
        month = ${month}
      from locked, held
      where budget.tenant_id = ${tenantId} and budget.key_id = locked.key_id)
    select exists (select 1 from written) as "isNew", held.count as released from held`;
}

/** Takes back what was counted for holds as lost, once: what they did cost is counted now. */
export const takeBackLost = ({ tenantId, keyId }: Payer, holds: readonly string[]): RawBuilder<unknown> => sql`
  with lost as materialized (
    select task_id, round(cost_usd::numeric * 1000000000)::bigint as amount,
      to_char(created_at at time zone 'UTC', 'YYYY-MM') as month
    from completion
    where tenant_id = ${tenantId} and task_id = any(${holds}::text[]) and outcome = 'lost' and cost_usd > 0
    for update),
  emptied as (
    update completion set cost_usd = 0 from lost
    where completion.tenant_id = ${tenantId} and completion.task_id = lost.task_id returning completion.task_id),
  locked as materialized (
    select key_id from budget where tenant_id = ${tenantId} and key_id in ('', coalesce(${keyId}::text, ''))
    order by key_id for update)
  update budget set spent_nano = greatest(0, budget.spent_nano -
    (select coalesce(sum(lost.amount), 0)::bigint from lost where lost.month = budget.month))
  from locked
  where budget.tenant_id = ${tenantId} and budget.key_id = locked.key_id and exists (select 1 from emptied)`;
