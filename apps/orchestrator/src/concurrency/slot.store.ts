/**
 * The SQL of shared keys. Rows come and go with the batches that decide about them; here they are granted.
 *
 * 1. One transaction at a time grants for a tenant: it locks the tenant, and reads what is held after that. So no two of them count the
 *    same room, whichever replicas they run on.
 * 2. A granted row whose run does not know it yet (`taken`) is told again by whoever owns its partition.
 */
import type { Database } from '@millrace/database';
import { sql } from 'kysely';
import type { RunKey } from '../run/hot-run.js';
import type { OrchestratorTables } from '../schema/tables.js';
import { grantable, type WaitingRequest } from './grants.js';

export interface Grant {
  readonly key: RunKey;
  readonly node: string;
  readonly attempt: number;
}

/** Requests that are looked at in one transaction; the rest waits for the next. However many wait for one key, others are looked at. */
const mostWaiting = 5_000;
const mostWaitingForTheSame = 100;

export class SlotStore {
  constructor(private readonly database: Database<OrchestratorTables>) {}

  /** Grants what has room among a tenant's requests, the oldest first. */
  async grant(tenantId: string): Promise<Grant[]> {
    return await this.database.asService(async (transaction) => {
      await sql`select pg_advisory_xact_lock(hashtextextended(${`slots/${tenantId}`}, 0))`.execute(transaction);
      const waiting = await sql<WaitingRequest>`
        select run_id as "runId", node, attempt, partition, keys, limits
        from (
          select *, row_number() over (partition by keys order by requested_at, run_id, node) as place
          from slot_request
          where tenant_id = ${tenantId} and granted_at is null
        ) as waiting
        where place <= ${mostWaitingForTheSame}
        order by requested_at, run_id, node
        limit ${mostWaiting}`.execute(transaction);
      if (waiting.rows.length === 0) return [];
      const keys = [...new Set(waiting.rows.flatMap((request) => request.keys))];
      const held = await sql<{ key: string; holders: number }>`
        select key, count(*)::integer as holders
        from slot_request, unnest(keys) as key
        where tenant_id = ${tenantId} and granted_at is not null and keys && ${keys}::text[] and key = any (${keys}::text[])
        group by key`.execute(transaction);
      const granted = grantable(waiting.rows, new Map(held.rows.map(({ key, holders }) => [key, holders])));
      if (granted.length === 0) return [];
      const marked = await sql<WaitingRequest>`
        update slot_request set granted_at = now()
        from unnest(${granted.map(({ runId }) => runId)}::text[], ${granted.map(({ node }) => node)}::text[],
                    ${granted.map(({ attempt }) => attempt)}::integer[]) as chosen (run_id, node, attempt)
        where slot_request.tenant_id = ${tenantId} and slot_request.run_id = chosen.run_id
          and slot_request.node = chosen.node and slot_request.attempt = chosen.attempt
        returning slot_request.run_id as "runId", slot_request.node, slot_request.attempt, slot_request.partition`.execute(
        transaction,
      );
      return marked.rows.map((request) => grantOf(tenantId, request));
    });
  }

  /** Of some partitions: what was granted and its run does not know, and the tenants of which something waits. */
  async open(partitions: readonly number[]): Promise<{ readonly granted: Grant[]; readonly waiting: string[] }> {
    const found = await this.database.asServiceStatement(
      () => sql<WaitingRequest & { tenantId: string; isGranted: boolean }>`
        select tenant_id as "tenantId", run_id as "runId", node, attempt, partition, granted_at is not null as "isGranted"
        from slot_request
        where partition = any (${[...partitions]}::smallint[]) and not taken
        order by granted_at is null, requested_at
        limit ${mostWaiting}`,
    );
    return {
      granted: found.rows.filter(({ isGranted }) => isGranted).map((row) => grantOf(row.tenantId, row)),
      waiting: [...new Set(found.rows.filter(({ isGranted }) => !isGranted).map(({ tenantId }) => tenantId))],
    };
  }
}

const grantOf = (
  tenantId: string,
  { runId, node, attempt, partition }: Pick<WaitingRequest, 'runId' | 'node' | 'attempt' | 'partition'>,
): Grant => ({ key: { tenantId, runId, partition }, node, attempt });
