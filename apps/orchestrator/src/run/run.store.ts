/**
 * The writer's SQL, over all tenants, by the service's own role.
 *
 * 1. A batch is one statement, so it is there as a whole or not at all.
 * 2. Rows of a partition are written only while this replica holds its lease: the lease row is locked by the same statement,
 *    so that a take-over waits for it, and what a deposed owner still had in hand is not written.
 * 3. The key of `run_event` refuses a second event of one position.
 */
import type { GraphIdentity, RunEvent } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { sql, type RawBuilder } from 'kysely';
import type { OrchestratorTables } from '../schema/tables.js';
import { threadsChanged } from '../thread/thread-statement.js';
import type { BatchRows } from './batch-rows.js';
import type { EventTraces } from './event-traces.js';
import type { RunKey } from './hot-run.js';

/** The leases that a batch claims to hold, column by column. */
export interface LeaseClaim {
  readonly owner: string;
  readonly partitions: number[];
  readonly epochs: number[];
}

/** A run's row and its events, as far as the writer needs them. `events` is empty for a run that has ended. */
export interface StoredRun {
  readonly key: RunKey;
  readonly graph: GraphIdentity;
  readonly ended: boolean;
  readonly events: readonly RunEvent[];
  readonly traces: EventTraces;
}

export interface RunCensus {
  readonly status: string;
  readonly count: number;
  readonly oldestAt: Date;
}

export class RunStore {
  constructor(private readonly database: Database<OrchestratorTables>) {}

  /**
   * Commits a batch and gives the partitions that were held: rows of the others were not written.
   * @throws whatever the database throws; `23505` (unique_violation) where an event's position is taken.
   */
  async commit(rows: BatchRows, claim: LeaseClaim): Promise<ReadonlySet<number>> {
    const held = await this.database.asServiceStatement(() => commitStatement(rows, claim));
    return new Set(held.rows.map((row) => row.partition));
  }

  /** The runs of a partition of which something may be unpublished: those that go on, and those that ended since. */
  async unpublishedRuns(partition: number, since: Date): Promise<RunKey[]> {
    const found = await this.database.asService((transaction) =>
      transaction
        .selectFrom('run')
        .select(['tenant_id as tenantId', 'run_id as runId', 'partition'])
        .where('partition', '=', partition)
        .where((or) => or.or([or('finished_at', 'is', null), or('finished_at', '>=', since)]))
        .execute(),
    );
    return found;
  }

  /** The runs of a partition that began before a moment and go on. */
  async unfinishedRuns(partition: number, createdBefore: Date): Promise<RunKey[]> {
    return await this.database.asService((transaction) =>
      transaction
        .selectFrom('run')
        .select(['tenant_id as tenantId', 'run_id as runId', 'partition'])
        .where('partition', '=', partition)
        .where('finished_at', 'is', null)
        .where('created_at', '<', createdBefore)
        .execute(),
    );
  }

  /** How many runs of the partitions go on, by state, and when the oldest of each began. */
  async census(partitions: readonly number[]): Promise<readonly RunCensus[]> {
    const found = await this.database.asServiceStatement(
      () => sql<RunCensus>`
        select status, count(*)::integer as count, min(created_at) as "oldestAt"
        from run
        where partition = any (${[...partitions]}::smallint[]) and finished_at is null
        group by status`,
    );
    return found.rows;
  }

  /** The runs that exist of those named, with all of their events in order. With `andEnded`, those of ended runs too. */
  async load(keys: readonly RunKey[], options: { readonly andEnded?: boolean } = {}): Promise<StoredRun[]> {
    if (keys.length === 0) return [];
    // A run that has ended may be removed while it is read: what is read of it is from one moment.
    const isolation = options.andEnded === true ? ({ isolationLevel: 'repeatable read' } as const) : {};
    return await this.database.asService(async (transaction) => {
      const runs = (await runsStatement(keys).execute(transaction)).rows;
      const folded = runs.filter((run) => run.finished_at === null || options.andEnded === true);
      const events = folded.length === 0 ? [] : (await eventsStatement(folded).execute(transaction)).rows;
      const byRun = Map.groupBy(events, (event) => `${event.tenant_id}/${event.run_id}`);
      return runs.map((run) => ({
        key: { tenantId: run.tenant_id, runId: run.run_id, partition: run.partition },
        graph: { name: run.graph_name, version: run.graph_version, digest: run.graph_digest },
        ended: run.finished_at !== null,
        ...eventsAndTraces(byRun.get(`${run.tenant_id}/${run.run_id}`) ?? []),
      }));
    }, isolation);
  }
}

interface RunIdentityRow {
  tenant_id: string;
  run_id: string;
  partition: number;
  graph_name: string;
  graph_version: number;
  graph_digest: string;
  finished_at: Date | null;
}

interface EventRow {
  tenant_id: string;
  run_id: string;
  position: number;
  type: string;
  data: unknown;
  at: Date;
  traceparent: string | null;
}

/** A stored event is one that the engine decided, so its shape is known without another validation. */
const eventOf = (row: EventRow): RunEvent =>
  ({ position: row.position, type: row.type, at: row.at.toISOString(), data: row.data }) as RunEvent;

const eventsAndTraces = (rows: readonly EventRow[]): Pick<StoredRun, 'events' | 'traces'> => ({
  events: rows.map(eventOf),
  traces: new Map(rows.flatMap((row) => (row.traceparent === null ? [] : [[row.position, row.traceparent] as const]))),
});

const runsStatement = (keys: readonly RunKey[]): RawBuilder<RunIdentityRow> => sql<RunIdentityRow>`
  select run.tenant_id, run.run_id, run.partition, run.graph_name, run.graph_version, run.graph_digest, run.finished_at
  from unnest(${keys.map((key) => key.tenantId)}::text[], ${keys.map((key) => key.runId)}::text[])
    as wanted (tenant_id, run_id)
  join run using (tenant_id, run_id)`;

const eventsStatement = (runs: readonly RunIdentityRow[]): RawBuilder<EventRow> => sql<EventRow>`
  select event.tenant_id, event.run_id, event.position, event.type, event.data, event.at, event.traceparent
  from unnest(${runs.map((run) => run.tenant_id)}::text[], ${runs.map((run) => run.run_id)}::text[])
    as wanted (tenant_id, run_id)
  join run_event as event using (tenant_id, run_id)
  order by event.tenant_id, event.run_id, event.position`;

/**
 * The text varies by a few parts only, so it is prepared a few times per connection, possibly while the tables are empty. Hence nothing in it leaves
 * the planner a choice that would be wrong later: rows are found by `on conflict` or by a lateral look-up of the key.
 */
function commitStatement(rows: BatchRows, claim: LeaseClaim): RawBuilder<{ partition: number }> {
  const { events, runs, timersSet: set, timersDropped: dropped, eventWaits, approvals, slots, threads } = rows;
  return sql<{ partition: number }>`
    with held as (
      select lease.partition
      from partition_lease as lease
      join unnest(${claim.partitions}::smallint[], ${claim.epochs}::integer[]) as claim (partition, epoch)
        on claim.partition = lease.partition and claim.epoch = lease.epoch
      where lease.owner = ${claim.owner}
      order by lease.partition
      for share of lease
    ),
    appended as (
      insert into run_event (tenant_id, run_id, position, type, data, at, traceparent)
      select new.tenant_id, new.run_id, new.position, new.type, new.data::jsonb, new.at::timestamptz, new.traceparent
      from unnest(${events.partition}::smallint[], ${events.tenantId}::text[], ${events.runId}::text[],
                  ${events.position}::integer[], ${events.type}::text[], ${events.data}::text[], ${events.at}::text[],
                  ${events.traceparent}::text[])
        as new (partition, tenant_id, run_id, position, type, data, at, traceparent)
      join held using (partition)
    ),
    kept as (
      insert into run (tenant_id, run_id, partition, graph_name, graph_version, graph_digest, thread_id, status, input, output,
                       error, usage, steps, last_position, created_at, started_at, finished_at)
      select new.tenant_id, new.run_id, new.partition, new.graph_name, new.graph_version, new.graph_digest,
             new.thread_id, new.status, new.input::jsonb, new.output::jsonb, new.error::jsonb, new.usage::jsonb, new.steps::jsonb,
             new.last_position, new.created_at::timestamptz, new.started_at::timestamptz, new.finished_at::timestamptz
      from unnest(${runs.partition}::smallint[], ${runs.tenantId}::text[], ${runs.runId}::text[],
                  ${runs.graphName}::text[], ${runs.graphVersion}::integer[], ${runs.graphDigest}::text[], ${runs.threadId}::text[],
                  ${runs.status}::text[], ${runs.input}::text[], ${runs.output}::text[], ${runs.error}::text[],
                  ${runs.usage}::text[], ${runs.steps}::text[], ${runs.lastPosition}::integer[],
                  ${runs.createdAt}::text[], ${runs.startedAt}::text[], ${runs.finishedAt}::text[])
        as new (partition, tenant_id, run_id, graph_name, graph_version, graph_digest, thread_id, status, input, output, error,
                usage, steps, last_position, created_at, started_at, finished_at)
      join held using (partition)
      on conflict (tenant_id, run_id) do update
      set graph_name = excluded.graph_name, graph_version = excluded.graph_version, graph_digest = excluded.graph_digest,
          status = excluded.status, output = excluded.output, error = excluded.error, usage = excluded.usage,
          steps = excluded.steps, last_position = excluded.last_position, started_at = excluded.started_at,
          finished_at = excluded.finished_at
    ),
    timer_set as (
      insert into run_timer (partition, tenant_id, run_id, node, attempt, timer, due_at, traceparent, set_at)
      select new.partition, new.tenant_id, new.run_id, new.node, new.attempt, new.timer, new.due_at::timestamptz,
             new.traceparent, new.set_at::timestamptz
      from unnest(${set.partition}::smallint[], ${set.tenantId}::text[], ${set.runId}::text[], ${set.node}::text[],
                  ${set.attempt}::integer[], ${set.timer}::text[], ${set.dueAt}::text[], ${set.traceparent}::text[],
                  ${set.setAt}::text[])
        as new (partition, tenant_id, run_id, node, attempt, timer, due_at, traceparent, set_at)
      join held using (partition)
      on conflict (tenant_id, run_id, node, attempt, timer) do update
      set due_at = excluded.due_at, traceparent = excluded.traceparent, set_at = excluded.set_at
    ),
    timer_dropped as (
      delete from run_timer
      where ctid = any (array(
        select found.ctid
        from unnest(${dropped.partition}::smallint[], ${dropped.tenantId}::text[], ${dropped.runId}::text[],
                    ${dropped.node}::text[], ${dropped.attempt}::integer[], ${dropped.timer}::text[])
          as old (partition, tenant_id, run_id, node, attempt, timer)
        join held using (partition)
        cross join lateral (
          select timer.ctid
          from run_timer as timer
          where timer.tenant_id = old.tenant_id and timer.run_id = old.run_id and timer.node = old.node
            and timer.attempt = old.attempt and timer.timer = old.timer
          limit 1
        ) as found
      ))
    )${eventWaits === null ? sql`` : eventWaitsChanged(eventWaits)}${approvals === null ? sql`` : approvalsKept(approvals)}${slots === null ? sql`` : slotsKept(slots)}${threads === null ? sql`` : threadsChanged(threads)}
    select partition from held`;
}

/** As with approvals: only where somebody waits for an event. */
const eventWaitsChanged = ({ begun, ended }: NonNullable<BatchRows['eventWaits']>): RawBuilder<unknown> => sql`,
    event_waits_begun as (
      insert into event_wait (partition, tenant_id, run_id, node, attempt, subject, stream, after_sequence)
      select new.partition, new.tenant_id, new.run_id, new.node, new.attempt, new.subject, new.stream, new.after_sequence
      from unnest(${begun.partition}::smallint[], ${begun.tenantId}::text[], ${begun.runId}::text[],
                  ${begun.node}::text[], ${begun.attempt}::integer[], ${begun.subject}::text[], ${begun.stream}::text[],
                  ${begun.afterSequence}::double precision[])
        as new (partition, tenant_id, run_id, node, attempt, subject, stream, after_sequence)
      join held using (partition)
      on conflict (tenant_id, run_id, node, attempt) do nothing
    ),
    event_waits_ended as (
      delete from event_wait
      using unnest(${ended.partition}::smallint[], ${ended.tenantId}::text[], ${ended.runId}::text[],
                   ${ended.node}::text[], ${ended.attempt}::integer[])
        as old (partition, tenant_id, run_id, node, attempt)
      join held using (partition)
      where event_wait.tenant_id = old.tenant_id and event_wait.run_id = old.run_id and event_wait.node = old.node
        and event_wait.attempt = old.attempt
    )`;

/** Few batches change an approval, so the part that writes them stands only in the statement of those that do. */
const approvalsKept = (rows: NonNullable<BatchRows['approvals']>): RawBuilder<unknown> => sql`,
    approvals_kept as (
      insert into approval (tenant_id, approval_id, run_id, graph_name, graph_version, graph_digest, node, attempt, status, title,
                            context, assignees, form, requested_at, deadline_at, decided_at, decided_by, data)
      select new.tenant_id, new.approval_id, new.run_id, new.graph_name, new.graph_version, new.graph_digest, new.node,
             new.attempt, new.status, new.title, new.context::jsonb, new.assignees::jsonb, new.form::jsonb,
             new.requested_at::timestamptz, new.deadline_at::timestamptz, new.decided_at::timestamptz,
             new.decided_by::jsonb, new.data::jsonb
      from unnest(${rows.partition}::smallint[], ${rows.tenantId}::text[], ${rows.approvalId}::text[],
                  ${rows.runId}::text[], ${rows.graphName}::text[], ${rows.graphVersion}::integer[],
                  ${rows.graphDigest}::text[], ${rows.node}::text[], ${rows.attempt}::integer[],
                  ${rows.status}::text[], ${rows.title}::text[],
                  ${rows.context}::text[], ${rows.assignees}::text[], ${rows.form}::text[],
                  ${rows.requestedAt}::text[], ${rows.deadlineAt}::text[], ${rows.decidedAt}::text[],
                  ${rows.decidedBy}::text[], ${rows.data}::text[])
        as new (partition, tenant_id, approval_id, run_id, graph_name, graph_version, graph_digest, node, attempt, status, title,
                context, assignees, form, requested_at, deadline_at, decided_at, decided_by, data)
      join held using (partition)
      on conflict (tenant_id, approval_id) do update
      set status = excluded.status, decided_at = excluded.decided_at, decided_by = excluded.decided_by,
          data = excluded.data
    )`;

/** As few concern shared keys. A request that is granted already stays so: only that the run knows it is new. */
const slotsKept = ({ set, dropped }: NonNullable<BatchRows['slots']>): RawBuilder<unknown> => sql`,
    slots_set as (
      insert into slot_request (partition, tenant_id, run_id, node, attempt, keys, limits, requested_at, taken)
      select new.partition, new.tenant_id, new.run_id, new.node, new.attempt,
             array(select jsonb_array_elements_text(new.keys::jsonb)),
             array(select jsonb_array_elements_text(new.limits::jsonb)::integer),
             new.requested_at::timestamptz, new.taken
      from unnest(${set.partition}::smallint[], ${set.tenantId}::text[], ${set.runId}::text[], ${set.node}::text[],
                  ${set.attempt}::integer[], ${set.keys}::text[], ${set.limits}::text[], ${set.requestedAt}::text[],
                  ${set.taken}::boolean[])
        as new (partition, tenant_id, run_id, node, attempt, keys, limits, requested_at, taken)
      join held using (partition)
      on conflict (tenant_id, run_id, node, attempt) do update set taken = excluded.taken
    ),
    slots_dropped as (
      delete from slot_request
      where (tenant_id, run_id, node, attempt) in (
        select old.tenant_id, old.run_id, old.node, old.attempt
        from unnest(${dropped.partition}::smallint[], ${dropped.tenantId}::text[], ${dropped.runId}::text[],
                    ${dropped.node}::text[], ${dropped.attempt}::integer[])
          as old (partition, tenant_id, run_id, node, attempt)
        join held using (partition)
      )
    )`;
