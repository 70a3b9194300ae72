/** The SQL of outputs that stand in for work. A row that has expired is as good as none, and later writers remove it. */
import type { Database } from '@millrace/database';
import type { JsonValue } from '@millrace/kernel';
import { sql } from 'kysely';
import type { OrchestratorTables } from '../schema/tables.js';

export class OutputStore {
  constructor(private readonly database: Database<OrchestratorTables>) {}

  /** The output of a tenant's work, unless it has expired. */
  async find(tenantId: string, work: string): Promise<{ readonly output: JsonValue } | undefined> {
    const found = await this.database.asServiceStatement(
      () => sql<{ output: JsonValue }>`
        select output from cached_output where tenant_id = ${tenantId} and work = ${work} and expires_at > now()`,
    );
    return found.rows[0];
  }

  /** Keeps an output, as JSON, for so long; the newest counts. Removes a few that have expired. */
  async keep(tenantId: string, work: string, kept: { readonly json: string; readonly ttlMs: number }): Promise<void> {
    await this.database.asServiceStatement(
      () => sql`
        with expired as (
          delete from cached_output
          where ctid = any (array(
            select ctid from cached_output
            where expires_at < now() and (tenant_id, work) <> (${tenantId}, ${work})
            limit 10
            for update skip locked
          ))
        )
        insert into cached_output (tenant_id, work, output, expires_at)
        values (${tenantId}, ${work}, ${kept.json}::jsonb, now() + ${kept.ttlMs}::double precision * interval '1 millisecond')
        on conflict (tenant_id, work) do update set output = excluded.output, expires_at = excluded.expires_at`,
    );
  }
}
