import { DATABASE, type ServiceDatabase } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { LlmProviderTables } from '../schema/tables.js';
import type { RouteTarget } from './route.js';

const unlimited = Number.MAX_SAFE_INTEGER;

/**
 * Requests and tokens of a target in each minute, over all processes: one statement, which counts a call or changes nothing.
 * Only targets with limits are counted.
 */
@Injectable()
export class TargetLimits {
  constructor(@Inject(DATABASE) private readonly database: ServiceDatabase<LlmProviderTables>) {}

  /** Counts a call of so many tokens, if the limits of this minute leave room for it. */
  async take(target: string, limits: RouteTarget['limits'], tokens: number): Promise<boolean> {
    const { requestsPerMinute = unlimited, tokensPerMinute = unlimited } = limits;
    // A call larger than the whole limit is let through alone, or it would never be.
    const { rows } = await this.database.asServiceStatement(
      () => sql`
        insert into target_window as counted (model, minute, requests, tokens)
        values (${target}, date_trunc('minute', now()), 1, ${tokens})
        on conflict (model) do update set
          minute = excluded.minute,
          requests = case when counted.minute = excluded.minute then counted.requests + 1 else 1 end,
          tokens = case when counted.minute = excluded.minute then counted.tokens + excluded.tokens else excluded.tokens end
        where counted.minute < excluded.minute
          or (counted.requests < ${requestsPerMinute} and counted.tokens + excluded.tokens <= ${tokensPerMinute})
        returning model`,
    );
    return rows.length > 0;
  }

  /** Corrects the tokens of this minute. */
  async add(target: string, tokens: number): Promise<void> {
    await this.database.asServiceStatement(
      () => sql`
        update target_window set tokens = greatest(0, tokens + ${tokens})
        where model = ${target} and minute = date_trunc('minute', now())`,
    );
  }
}
