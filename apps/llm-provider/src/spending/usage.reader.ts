import type { RequestOf, readUsage, UsageRow } from '@millrace/contracts';
import { invalidInput, systemClock } from '@millrace/kernel';
import { DATABASE, type ServiceDatabase } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { LlmProviderTables } from '../schema/tables.js';

type UsageQuery = RequestOf<typeof readUsage>;

const dayMs = 86_400_000;
const mostDays = 366;
const mostRows = 10_000;

/** What was completed, summed up from the ledger. */
@Injectable()
export class UsageReader {
  constructor(@Inject(DATABASE) private readonly database: ServiceDatabase<LlmProviderTables>) {}

  /** @throws MillraceError `invalid_period` */
  read(tenantId: string, query: UsageQuery): Promise<readonly UsageRow[]> {
    const { first, end } = periodOf(query, systemClock.now());
    const { model = null, key = null } = query;
    return this.database.forTenant(tenantId, async (transaction) => {
      const { rows } = await sql<UsageRow>`
        select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD') as day, model, key_id as key,
          (count(*) filter (where outcome = 'completed'))::int as completions,
          (count(*) filter (where outcome <> 'completed'))::int as "otherAttempts",
          sum(prompt_tokens)::bigint as "promptTokens",
          sum(cached_prompt_tokens)::bigint as "cachedPromptTokens",
          sum(completion_tokens)::bigint as "completionTokens",
          sum(round(cost_usd::numeric, 9))::double precision as "costUsd"
        from completion
        where tenant_id = ${tenantId} and created_at >= ${first.toISOString()}::timestamptz
          and created_at < ${end.toISOString()}::timestamptz
          and (${model}::text is null or model = ${model}) and (${key}::text is null or key_id = ${key})
        group by 1, 2, 3 order by 1 desc, 2, 3 limit ${mostRows}`.execute(transaction);
      return rows;
    });
  }
}

/** From the beginning of the first day to the end of the last one. */
function periodOf({ from, to }: UsageQuery, now: Date): { readonly first: Date; readonly end: Date } {
  const last = new Date(`${to ?? now.toISOString().slice(0, 10)}T00:00:00Z`);
  const end = new Date(last.getTime() + dayMs);
  const first = from === undefined ? new Date(end.getTime() - 30 * dayMs) : new Date(`${from}T00:00:00Z`);
  const days = (end.getTime() - first.getTime()) / dayMs;
  if (days >= 1 && days <= mostDays) return { first, end };
  throw invalidInput('invalid_period', `Usage is read for 1 to ${mostDays} days, not for ${days}.`, [
    { pointer: '/from', message: `must be at most ${mostDays - 1} days before the last day` },
  ]);
}
