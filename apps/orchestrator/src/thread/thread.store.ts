/**
 * The SQL of lines at threads. Places change with the batches that decide about their runs; here they are kept and given.
 *
 * 1. One transaction at a time decides about a thread: it locks the thread, and reads its line after that. So no two of them give the same
 *    turn, whichever replicas they run on.
 * 2. A place is kept before its run is stored, so that who is refused has no run. Where the run never comes, it is let go after a while; a run
 *    that comes later all the same stands in line anew.
 * 3. A turn whose run does not know of it yet (`taken`) is told again by whoever owns the run's partition.
 */
import type { OnBusy } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import type { JsonObject } from '@millrace/kernel';
import { sql, type Kysely } from 'kysely';
import type { RunKey } from '../run/hot-run.js';
import type { OrchestratorTables } from '../schema/tables.js';
import { admission, nextInLine, type Admission, type PlaceInLine } from './thread-line.js';

/** It is a run's turn. */
export interface ThreadTurn {
  readonly key: RunKey;
  readonly generation: number;
  readonly version: number;
  readonly state: JsonObject;
}

export interface ThreadKey {
  readonly tenantId: string;
  readonly threadId: string;
}

export interface Interruption {
  readonly key: RunKey;
  readonly by: string;
}

export interface NewPlace {
  readonly threadId: string;
  readonly onBusy: OnBusy;
  readonly now: Date;
}

/** How long a place is kept for a run that is not stored: far longer than storing one takes. */
const keptSeconds = 30;
/** Places that are looked at in one sweep; the rest waits for the next. */
const mostOpen = 1_000;

type Transaction = Kysely<OrchestratorTables>;
type PlaceRow = PlaceInLine & { readonly partition: number };

export class ThreadStore {
  constructor(private readonly database: Database<OrchestratorTables>) {}

  /** Keeps a place for a run that is about to be stored. One that has a place, or is stored, is admitted as it is. */
  async admit({ tenantId, runId, partition }: RunKey, { threadId, onBusy, now }: NewPlace): Promise<Admission> {
    return await this.database.asService(async (transaction) => {
      await lockThread(transaction, { tenantId, threadId });
      await sql`
        delete from thread_place
        where tenant_id = ${tenantId} and thread_id = ${threadId} and not stored
          and kept_at < now() - make_interval(secs => ${keptSeconds})`.execute(transaction);
      const known = await sql`
        select 1 from run where tenant_id = ${tenantId} and run_id = ${runId}
        union all select 1 from thread_place where tenant_id = ${tenantId} and run_id = ${runId}`.execute(transaction);
      if (known.rows.length > 0) return { kind: 'admitted' };
      const decided = admission(await lineAt(transaction, { tenantId, threadId }), onBusy);
      if (decided.kind !== 'admitted') return decided;
      await this.ensure(transaction, { tenantId, threadId }, now);
      await sql`
        insert into thread_place (tenant_id, run_id, generation, thread_id, partition, interrupts)
        values (${tenantId}, ${runId}, 0, ${threadId}, ${partition}, ${onBusy === 'interrupt'})`.execute(transaction);
      return decided;
    });
  }

  /** Lets a place go whose run was not stored. */
  async withdraw({ tenantId, runId }: RunKey): Promise<void> {
    await this.database.asServiceStatement(
      () => sql`delete from thread_place where tenant_id = ${tenantId} and run_id = ${runId} and not stored`,
    );
  }

  /** Gives the next turn of a thread, if it is free, and says whom the one that comes next interrupts. */
  async next(
    thread: ThreadKey,
    now: Date,
  ): Promise<{ readonly turn: ThreadTurn | null; readonly interrupted: readonly Interruption[] }> {
    return await this.database.asService(async (transaction) => {
      await lockThread(transaction, thread);
      const { tenantId, threadId } = thread;
      const { next, interrupted, interruptedBy } = nextInLine(await lineAt(transaction, thread));
      const interruptions = interrupted.map(({ runId, partition }) => ({
        key: { tenantId, runId, partition },
        by: interruptedBy?.runId ?? '',
      }));
      if (next === null) return { turn: null, interrupted: interruptions };
      await this.ensure(transaction, thread, now);
      const given = await sql`
        update thread_place set granted_at = now()
        where tenant_id = ${tenantId} and run_id = ${next.runId} and generation = ${next.generation}
        returning run_id`.execute(transaction);
      // It has ended meanwhile; whoever ended it asks for the next.
      if (given.rows.length === 0) return { turn: null, interrupted: interruptions };
      const { version, state } = await transaction
        .selectFrom('thread')
        .select(['version', 'state'])
        .where('tenant_id', '=', tenantId)
        .where('thread_id', '=', threadId)
        .executeTakeFirstOrThrow();
      const key = { tenantId, runId: next.runId, partition: next.partition };
      return { turn: { key, generation: next.generation, version, state }, interrupted: interruptions };
    });
  }

  /** Of some partitions: the turns that their runs do not know of, and the threads at which somebody waits. */
  async open(partitions: readonly number[]): Promise<{ readonly turns: ThreadTurn[]; readonly waiting: ThreadKey[] }> {
    const found = await this.database.asServiceStatement(
      () => sql<OpenRow>`
        select place.tenant_id as "tenantId", place.thread_id as "threadId", place.run_id as "runId", place.generation,
               place.partition, place.granted_at is not null as "isGranted",
               thread.version, case when place.granted_at is not null then thread.state end as state
        from thread_place as place
        left join thread using (tenant_id, thread_id)
        where place.partition = any (${[...partitions]}::smallint[]) and not place.taken and place.stored
        order by place.number
        limit ${mostOpen}`,
    );
    const waiting = new Map<string, ThreadKey>();
    for (const { isGranted, tenantId, threadId } of found.rows)
      if (!isGranted) waiting.set(`${tenantId}/${threadId}`, { tenantId, threadId });
    const turns = found.rows.filter(({ isGranted }) => isGranted);
    return {
      turns: turns.map(({ tenantId, runId, partition, generation, version, state }) => ({
        key: { tenantId, runId, partition },
        ...{ generation, version: version ?? 0, state: state ?? {} },
      })),
      waiting: [...waiting.values()],
    };
  }

  private async ensure(transaction: Transaction, { tenantId, threadId }: ThreadKey, now: Date): Promise<void> {
    await sql`
      insert into thread (tenant_id, thread_id, version, state, created_at, updated_at)
      values (${tenantId}, ${threadId}, 0, '{}', ${now}, ${now})
      on conflict (tenant_id, thread_id) do nothing`.execute(transaction);
  }
}

interface OpenRow {
  readonly tenantId: string;
  readonly threadId: string;
  readonly runId: string;
  readonly generation: number;
  readonly partition: number;
  readonly isGranted: boolean;
  readonly version: number | null;
  readonly state: JsonObject | null;
}

/** Whoever decides about a thread waits for whoever does so already, until that one's transaction has ended. */
export async function lockThread(transaction: Transaction, { tenantId, threadId }: ThreadKey): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`thread/${tenantId}/${threadId}`}, 0))`.execute(
    transaction,
  );
}

/** Everybody at a thread, in the order of arrival, but for whom a place was kept too long. */
export async function lineAt(transaction: Transaction, { tenantId, threadId }: ThreadKey): Promise<PlaceRow[]> {
  const found = await sql<PlaceRow>`
    select run_id as "runId", generation, partition, interrupts, stored as "isStored", granted_at is not null as "isUnderWay"
    from thread_place
    where tenant_id = ${tenantId} and thread_id = ${threadId}
      and (stored or kept_at >= now() - make_interval(secs => ${keptSeconds}))
    order by number`.execute(transaction);
  return found.rows;
}
