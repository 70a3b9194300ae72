/**
 * Removes runs that have ended, with all that was stored for them.
 *
 * 1. Only the owner of a partition removes: the lease row is locked by the same statement.
 * 2. A run goes as a whole or not at all, and leaves a mark.
 * 3. None goes that has not ended, or whose end may not have been announced.
 */
import type { Database } from '@millrace/database';
import { sql, type RawBuilder } from 'kysely';
import type { RunKey } from '../run/hot-run.js';
import type { OrchestratorTables } from '../schema/tables.js';
import type { RetentionPolicy } from './keep-days.js';

/** The lease that a replica claims to hold. */
export interface RemovalClaim {
  readonly owner: string;
  readonly partition: number;
  readonly epoch: number;
}

export interface RemovalBounds {
  readonly runs: number;
  /** A batch ends with the run that makes it this long. */
  readonly events: number;
}

/** Marks are looked up by whoever still has an id; later than this it is an unknown one. */
const marksKeptDays = 90;
const marksAtOnce = 1_000;

export class RemovalStore {
  constructor(private readonly database: Database<OrchestratorTables>) {}

  /** Runs of a partition that have been kept for long enough, those that ended first, some at a time. Gives those that went. */
  async removeOld(claim: RemovalClaim, { days, ofTenants }: RetentionPolicy, bounds: RemovalBounds): Promise<RunKey[]> {
    const [tenants, own] = [[...ofTenants.keys()], [...ofTenants.values()]];
    const isOld = sql<boolean>`run.finished_at < now() - make_interval(days => coalesce(
      (select own.days from unnest(${tenants}::text[], ${own}::integer[]) as own (tenant_id, days)
       where own.tenant_id = run.tenant_id), ${days}::integer))`;
    return await this.remove(claim, isOld, bounds);
  }

  /** One run; whether it went. */
  async removeOne(claim: RemovalClaim, { tenantId, runId }: RunKey): Promise<boolean> {
    const isIt = sql<boolean>`run.tenant_id = ${tenantId} and run.run_id = ${runId}`;
    return (await this.remove(claim, isIt, { runs: 1, events: 1 })).length === 1;
  }

  /** Forgets marks that nobody asks for any more. */
  async pruneMarks(): Promise<void> {
    await this.database.asService((transaction) =>
      sql`
        delete from removed_run where (tenant_id, run_id) in (
          select tenant_id, run_id from removed_run
          where removed_at < now() - make_interval(days => ${marksKeptDays}::integer)
          order by removed_at limit ${marksAtOnce})`.execute(transaction),
    );
  }

  private async remove(claim: RemovalClaim, isWanted: RawBuilder<boolean>, bounds: RemovalBounds): Promise<RunKey[]> {
    const { rows } = await this.database.asService((transaction) =>
      removal(claim, isWanted, bounds).execute(transaction),
    );
    return rows.map((row) => ({ tenantId: row.tenant_id, runId: row.run_id, partition: claim.partition }));
  }
}

function removal(
  { owner, partition, epoch }: RemovalClaim,
  isWanted: RawBuilder<boolean>,
  bounds: RemovalBounds,
): RawBuilder<{ tenant_id: string; run_id: string }> {
  return sql`
    with held as (
      select lease.partition, lease.published_until from partition_lease as lease
      where lease.partition = ${partition} and lease.owner = ${owner} and lease.epoch = ${epoch}
      for share of lease
    ),
    found as (
      select run.tenant_id, run.run_id, run.finished_at, run.last_position
      from run join held on held.partition = run.partition
      where run.partition = ${partition} and run.finished_at < held.published_until and ${isWanted}
      order by run.finished_at, run.tenant_id, run.run_id
      limit ${bounds.runs}
    ),
    chosen as (
      select tenant_id, run_id from (
        select found.*, sum(last_position) over (order by finished_at, tenant_id, run_id) as reached from found
      ) as summed
      where reached - last_position < ${bounds.events}
    ),
    events_removed as (
      delete from run_event as event using chosen
      where event.tenant_id = chosen.tenant_id and event.run_id = chosen.run_id
    ),
    timers_removed as (
      delete from run_timer as timer using chosen
      where timer.tenant_id = chosen.tenant_id and timer.run_id = chosen.run_id
    ),
    approvals_removed as (
      delete from approval using chosen
      where approval.tenant_id = chosen.tenant_id and approval.run_id = chosen.run_id
    ),
    marked as (
      insert into removed_run (tenant_id, run_id) select tenant_id, run_id from chosen
      on conflict (tenant_id, run_id) do update set removed_at = now()
    )
    delete from run using chosen
    where run.tenant_id = chosen.tenant_id and run.run_id = chosen.run_id
    returning run.tenant_id, run.run_id`;
}
