import { type RawBuilder, sql } from 'kysely';
import type { Payer } from '../spending/account-book.statement.js';

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
