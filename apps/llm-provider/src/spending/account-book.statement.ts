import { newId, systemClock } from '@millrace/kernel';
import { type RawBuilder, sql } from 'kysely';
import type { LedgerOutcome } from '../schema/tables.js';
import { monthOf } from './money.js';

/** Who pays for a call. */
export interface Payer {
  readonly tenantId: string;
  /** The key that made the call; null for tasks of runs. */
  readonly keyId: string | null;
}

/** Holds an amount in every budget of a payer. */
export interface HoldEntry extends Payer {
  readonly kind: 'hold';
  readonly id: string;
  /** Billionths of a dollar. */
  readonly amountNano: number;
  readonly expiresAt: Date;
  readonly callId: string;
  readonly runId: string;
  readonly node: string;
  readonly model: string;
}

/** A row of the ledger. Its tenant and its key are those of whoever pays. */
export interface LedgerRow {
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
  readonly outcome: LedgerOutcome;
}

/** Writes a row, if any, and counts what it cost in place of what was held for it. */
export interface SettleEntry extends Payer {
  readonly kind: 'settle';
  readonly row: LedgerRow | null;
  /** Billionths of a dollar. */
  readonly costNano: number;
  readonly holds: readonly string[];
}

export type BookEntry = HoldEntry | SettleEntry;

export interface KeptEntry {
  /** Its place among the entries. */
  readonly entry: number;
  readonly budgets: number;
  readonly fits: boolean;
  readonly isNew: boolean;
  readonly released: number;
}

const columns = sql.raw(
  'tenant_id, task_id, run_id, node, model, prompt, output, prompt_tokens, cached_prompt_tokens, completion_tokens, cost_usd, key_id, outcome',
);

/**
 * One statement for all entries, none of which touches a row of another's. Where there is a row of an entry's id already, its cost is
 * written under another id: it was paid all the same. Rows are locked in one order by all processes (the ledger, holds, budgets, each
 * by its key), so that statements never wait for each other in a circle.
 */
export function keepBook(entries: readonly BookEntry[]): RawBuilder<KeptEntry> {
  const month = monthOf(systemClock.now());
  return sql<KeptEntry>`
    with ${ofSettlements(entries)},
    ${ofHolds(entries)},
    touched as materialized (
      select tenant_id, key_id from settled_budget union
      select tenant_id, '' from asked_hold union
      select tenant_id, key_id from asked_hold where key_id is not null),
    locked as materialized (
      select budget.tenant_id, budget.key_id, limit_nano, reserved_nano,
        case when month = ${month} then spent_nano else 0 end as spent_nano
      from budget join touched on budget.tenant_id = touched.tenant_id and budget.key_id = touched.key_id
      where (select count(*) from written) >= 0 and (select count(*) from gone) >= 0
      order by budget.tenant_id, budget.key_id for update of budget),
    room as materialized (
      select locked.tenant_id, locked.key_id, coalesce(freed, 0) as freed, coalesce(cost, 0) as cost,
        settled_budget.tenant_id is not null as is_settled,
        limit_nano - greatest(0, reserved_nano - coalesce(freed, 0)) - spent_nano - coalesce(cost, 0) as room
      from locked left join settled_budget
        on locked.tenant_id = settled_budget.tenant_id and locked.key_id = settled_budget.key_id),
    asked as materialized (
      select asked_hold.entry, room.tenant_id, room.key_id, amount_nano,
        sum(amount_nano) over (partition by room.tenant_id, room.key_id order by asked_hold.entry) <= room as fits
      from asked_hold join room
        on room.tenant_id = asked_hold.tenant_id and room.key_id in ('', coalesce(asked_hold.key_id, ''))),
    verdict as materialized (select entry, count(*)::int as budgets, bool_and(fits) as fits from asked group by entry),
    raised as (
      select asked.tenant_id, asked.key_id, sum(amount_nano)::bigint as amount
      from asked join verdict on asked.entry = verdict.entry
      where verdict.fits group by asked.tenant_id, asked.key_id),
    counted as (
      update budget set
        reserved_nano = greatest(0, budget.reserved_nano - room.freed) + coalesce(raised.amount, 0),
        spent_nano = case when budget.month = ${month} then budget.spent_nano else 0 end + room.cost,
        month = ${month}
      from room left join raised on room.tenant_id = raised.tenant_id and room.key_id = raised.key_id
      where budget.tenant_id = room.tenant_id and budget.key_id = room.key_id
        and (room.is_settled or raised.amount is not null)),
    held as (
      insert into budget_hold (tenant_id, id, key_id, amount_nano, expires_at, call_id, run_id, node, model)
      select tenant_id, id, key_id, amount_nano, expires_at, call_id, run_id, node, model
      from asked_hold join verdict on asked_hold.entry = verdict.entry where verdict.fits)
    select asked_hold.entry, coalesce(budgets, 0) as budgets, coalesce(fits, true) as fits, false as "isNew", 0 as released
    from asked_hold left join verdict on asked_hold.entry = verdict.entry
    union all
    select settlement.entry, 0, true,
      exists (select 1 from ledger_row join written
        on ledger_row.tenant_id = written.tenant_id and ledger_row.task_id = written.task_id
        where ledger_row.entry = settlement.entry),
      (select count(*)::int from gone where gone.entry = settlement.entry)
    from settlement`;
}

/** `settlement`, `ledger_row`, `written`, `gone`, and `settled_budget`: what is freed and spent in each budget that there may be. */
function ofSettlements(entries: readonly BookEntry[]) {
  const settlements = numbered(entries, 'settle');
  const rows = settlements
    .flatMap(({ entry, of }) => (of.row === null ? [] : [{ entry, of, row: of.row }]))
    .sort((left, right) => compared(left.of.tenantId, right.of.tenantId) || compared(left.row.id, right.row.id));
  const releases = settlements.flatMap(({ entry, of }) => of.holds.map((id) => ({ entry, of, id })));
  return sql`
    settlement as materialized (
      select * from unnest(${settlements.map(({ entry }) => entry)}::int[],
        ${settlements.map(({ of }) => of.tenantId)}::text[], ${settlements.map(({ of }) => of.keyId)}::text[],
        ${settlements.map(({ of }) => of.costNano)}::bigint[])
        as settlement (entry, tenant_id, key_id, cost_nano)),
    ledger_row as materialized (
      select * from unnest(${rows.map(({ entry }) => entry)}::int[],
        ${rows.map(({ of }) => of.tenantId)}::text[], ${rows.map(({ row }) => row.id)}::text[],
        ${rows.map(({ row }) => row.runId)}::text[], ${rows.map(({ row }) => row.node)}::text[],
        ${rows.map(({ row }) => row.model)}::text[], ${rows.map(({ row }) => row.prompt)}::text[],
        ${rows.map(({ row }) => row.output)}::jsonb[], ${rows.map(({ row }) => row.promptTokens)}::bigint[],
        ${rows.map(({ row }) => row.cachedPromptTokens)}::bigint[], ${rows.map(({ row }) => row.completionTokens)}::bigint[],
        ${rows.map(({ row }) => row.costUsd)}::double precision[], ${rows.map(({ of }) => of.keyId)}::text[],
        ${rows.map(({ row }) => row.outcome)}::text[], ${rows.map(() => newId('attempt'))}::text[],
        ${rows.map(({ of }) => of.costNano)}::bigint[])
        as ledger_row (entry, ${columns}, other_id, cost_nano)),
    written as (
      insert into completion (${columns}) select ${columns} from ledger_row
      on conflict (tenant_id, task_id) do nothing returning tenant_id, task_id),
    repeated as (
      insert into completion (${columns})
      select tenant_id, other_id, run_id, node, model, prompt, output, prompt_tokens, cached_prompt_tokens, completion_tokens,
        cost_usd, key_id, 'repeated'
      from ledger_row
      where cost_nano > 0 and not exists (select 1 from written
        where written.tenant_id = ledger_row.tenant_id and written.task_id = ledger_row.task_id)),
    released as materialized (
      select budget_hold.tenant_id, id, release.key_id, release.entry
      from budget_hold join unnest(${releases.map(({ entry }) => entry)}::int[],
        ${releases.map(({ of }) => of.tenantId)}::text[], ${releases.map(({ id }) => id)}::text[],
        ${releases.map(({ of }) => of.keyId)}::text[]) as release (entry, tenant_id, hold_id, key_id)
        on budget_hold.tenant_id = release.tenant_id and budget_hold.id = release.hold_id
      where (select count(*) from written) >= 0
      order by budget_hold.tenant_id, id for update of budget_hold),
    gone as (
      delete from budget_hold using released
      where budget_hold.tenant_id = released.tenant_id and budget_hold.id = released.id
      returning released.entry, released.tenant_id, released.key_id, budget_hold.amount_nano),
    settled_budget as materialized (
      select tenant_id, budget_key as key_id, sum(freed)::bigint as freed, sum(cost)::bigint as cost
      from (
        select tenant_id, key_id, amount_nano as freed, 0 as cost from gone union all
        select tenant_id, key_id, 0, cost_nano from settlement where cost_nano > 0) as change
      cross join lateral (select '' as budget_key union all select change.key_id where change.key_id is not null) as each
      group by tenant_id, budget_key)`;
}

/** `asked_hold`. */
function ofHolds(entries: readonly BookEntry[]) {
  const holds = numbered(entries, 'hold');
  return sql`
    asked_hold as materialized (
      select * from unnest(${holds.map(({ entry }) => entry)}::int[],
        ${holds.map(({ of }) => of.tenantId)}::text[], ${holds.map(({ of }) => of.id)}::text[],
        ${holds.map(({ of }) => of.keyId)}::text[], ${holds.map(({ of }) => of.amountNano)}::bigint[],
        ${holds.map(({ of }) => of.expiresAt.toISOString())}::timestamptz[], ${holds.map(({ of }) => of.callId)}::text[],
        ${holds.map(({ of }) => of.runId)}::text[], ${holds.map(({ of }) => of.node)}::text[],
        ${holds.map(({ of }) => of.model)}::text[])
        as asked_hold (entry, tenant_id, id, key_id, amount_nano, expires_at, call_id, run_id, node, model))`;
}

interface Numbered<Entry> {
  readonly entry: number;
  readonly of: Entry;
}

function numbered<Kind extends BookEntry['kind']>(
  entries: readonly BookEntry[],
  kind: Kind,
): Numbered<Extract<BookEntry, { readonly kind: Kind }>>[] {
  return entries.flatMap((of, entry) =>
    of.kind === kind ? [{ entry, of: of as Extract<BookEntry, { readonly kind: Kind }> }] : [],
  );
}

const compared = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
