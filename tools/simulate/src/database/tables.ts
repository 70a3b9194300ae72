/** The orchestrator's tables in memory, and how one statement changes them: as the SQL of the stores does, all or nothing. */
import type { RunEvent } from '@millrace/contracts';
import type { OrchestratorStores } from '@millrace/orchestrator/core';

import type { ScheduleRow } from './schedule-store.js';
import { ThreadTables } from './thread-stores.js';

type Runs = OrchestratorStores['runs'];
export type BatchRows = Parameters<Runs['commit']>[0];
export type LeaseClaim = Parameters<Runs['commit']>[1];
export type Row<Columns> = {
  [Column in keyof Columns]: Columns[Column] extends readonly (infer Value)[] ? Value : never;
};
export type RunRow = Row<BatchRows['runs']>;
export type TimerRow = Row<BatchRows['timersSet']>;
export type ApprovalRow = Row<NonNullable<BatchRows['approvals']>>;
export type EventRow = Row<BatchRows['events']>;

export type EventWaitRow = Row<NonNullable<BatchRows['eventWaits']>['begun']>;
export type SlotRow = Row<NonNullable<BatchRows['slots']>['set']>;

export interface LeaseRow {
  readonly partition: number;
  owner: string | null;
  epoch: number;
  expiresAt: number;
  publishedUntil: Date;
  /** When its owner asked for it, in milliseconds since 1970. */
  askedAt: number;
}

export interface GraphRow {
  readonly tenantId: string;
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly origin: 'published' | 'inline';
  readonly description: string;
  readonly createdAt: string;
  /** As JSON text. */
  readonly document: string;
}

export const runText = ({ tenantId, runId }: { readonly tenantId: string; readonly runId: string }): string =>
  `${tenantId}/${runId}`;
const attemptText = (row: { tenantId: string; runId: string; node: string; attempt: number }): string =>
  `${runText(row)}/${row.attempt}:${row.node}`;
const timerText = (row: TimerRow): string => `${runText(row)}/${row.timer}:${row.attempt}:${row.node}`;

/** When a process last asked for a run, or wrote it, in milliseconds since 1970: what it knows of it is of then. */
export type KnownSince = ReadonlyMap<string, number>;

/** Hears of every batch that was stored, before anybody else does. */
export type OnStored = (
  events: readonly EventRow[],
  runs: readonly RunRow[],
  claim: LeaseClaim,
  known: KnownSince,
) => void;

/** Hears how far a partition is said to have been published. */
export type OnReported = (partition: number, publishedUntil: Date) => void;

export class Tables {
  onReported: OnReported = () => undefined;
  readonly graphs: GraphRow[] = [];
  readonly runs = new Map<string, RunRow>();
  readonly events = new Map<string, EventRow[]>();
  readonly timers = new Map<string, TimerRow>();
  readonly approvals = new Map<string, ApprovalRow>();
  readonly eventWaits = new Map<string, EventWaitRow>();
  readonly slots = new Map<string, SlotRow>();
  /** The texts of the requests for room that were granted. */
  readonly granted = new Set<string>();
  /** Outputs that stand in for work, as JSON text, by tenant and work. */
  readonly outputs = new Map<string, { readonly json: string; readonly expiresAt: number }>();
  readonly schedules = new Map<string, ScheduleRow>();
  readonly threads = new ThreadTables();
  readonly leases: LeaseRow[];
  readonly replicas = new Map<string, number>();
  /** What workers noted of tasks that they have done, by task id. */
  readonly ledger = new Map<string, string>();

  constructor(
    partitionCount: number,
    beginning: Date,
    private readonly onStored: OnStored,
    private readonly now: () => number,
  ) {
    this.leases = Array.from({ length: partitionCount }, (_, partition) => ({
      ...{ partition, owner: null, epoch: 0, expiresAt: 0 },
      ...{ publishedUntil: beginning, askedAt: 0 },
    }));
  }

  /** @throws an error with the SQLSTATE of a unique violation where an event's position is taken */
  commit(batch: BatchRows, claim: LeaseClaim, known: KnownSince): ReadonlySet<number> {
    const held = new Set(claim.partitions.filter((partition, index) => this.isHeld(partition, claim, index)));
    const isHeld = (row: { readonly partition: number }): boolean => held.has(row.partition);
    const events = rowsOf<EventRow>(batch.events).filter(isHeld);
    for (const event of events) if (this.has(event)) throw uniqueViolation();
    const runs = rowsOf<RunRow>(batch.runs).filter(isHeld);
    for (const event of events) this.append(event);
    for (const run of runs) this.keep(run);
    for (const timer of rowsOf<TimerRow>(batch.timersDropped).filter(isHeld)) this.timers.delete(timerText(timer));
    for (const timer of rowsOf<TimerRow>(batch.timersSet).filter(isHeld)) this.timers.set(timerText(timer), timer);
    const approvals = batch.approvals === null ? [] : rowsOf<ApprovalRow>(batch.approvals);
    for (const row of approvals.filter(isHeld)) this.keepApproval(row);
    this.commitWaits(batch, isHeld);
    if (batch.threads !== null) this.threads.commit(batch.threads, isHeld, this.now());
    this.onStored(events, runs, claim, known);
    return held;
  }

  private commitWaits(
    { eventWaits, slots }: BatchRows,
    isHeld: (row: { readonly partition: number }) => boolean,
  ): void {
    if (eventWaits !== null) {
      for (const row of rowsOf<EventWaitRow>(eventWaits.begun).filter(isHeld))
        if (!this.eventWaits.has(attemptText(row))) this.eventWaits.set(attemptText(row), row);
      for (const row of rowsOf<EventWaitRow>(eventWaits.ended).filter(isHeld)) this.eventWaits.delete(attemptText(row));
    }
    if (slots === null) return;
    for (const row of rowsOf<SlotRow>(slots.dropped).filter(isHeld)) {
      this.slots.delete(attemptText(row));
      this.granted.delete(attemptText(row));
    }
    for (const row of rowsOf<SlotRow>(slots.set).filter(isHeld)) {
      const before = this.slots.get(attemptText(row));
      this.slots.set(attemptText(row), before === undefined ? row : { ...before, taken: row.taken });
    }
  }

  runEvents(key: { readonly tenantId: string; readonly runId: string }): RunEvent[] {
    return (this.events.get(runText(key)) ?? []).map(eventOf);
  }

  timersOf(run: string): TimerRow[] {
    return [...this.timers.values()].filter((timer) => runText(timer) === run);
  }

  private isHeld(partition: number, { owner, epochs }: LeaseClaim, index: number): boolean {
    const lease = this.leases[partition];
    return lease?.owner === owner && lease.epoch === epochs[index];
  }

  private has(event: EventRow): boolean {
    return this.events.get(runText(event))?.some(({ position }) => position === event.position) ?? false;
  }

  private append(event: EventRow): void {
    const text = runText(event);
    const events = this.events.get(text);
    if (events === undefined) this.events.set(text, [event]);
    else events.push(event);
  }

  /** What was asked stays as it was first written. */
  private keepApproval(row: ApprovalRow): void {
    const text = `${row.tenantId}/${row.approvalId}`;
    const before = this.approvals.get(text);
    const { status, decidedAt, decidedBy, data } = row;
    this.approvals.set(text, before === undefined ? row : { ...before, status, decidedAt, decidedBy, data });
  }

  /** What a run began with stays as it was first written, but for its graph, of which it may come to another version. */
  private keep(row: RunRow): void {
    const text = runText(row);
    const before = this.runs.get(text);
    const { graphName, graphVersion, graphDigest, status, output, error, usage, steps, lastPosition, finishedAt } = row;
    const graph = { graphName, graphVersion, graphDigest };
    const changed = { ...graph, status, output, error, usage, steps, lastPosition, finishedAt };
    this.runs.set(text, before === undefined ? row : { ...before, ...changed });
  }
}

export const eventOf = (row: EventRow): RunEvent =>
  ({ position: row.position, type: row.type, at: row.at, data: JSON.parse(row.data) as unknown }) as RunEvent;

function rowsOf<AnyRow extends object>(columns: { [Column in keyof AnyRow]: AnyRow[Column][] }): AnyRow[] {
  const names = Object.keys(columns) as (keyof AnyRow)[];
  const [first] = names;
  if (first === undefined) return [];
  return columns[first].map(
    (_, index) => Object.fromEntries(names.map((name) => [name, columns[name][index]])) as AnyRow,
  );
}

const uniqueViolation = (): Error => Object.assign(new Error('A position is taken.'), { code: '23505' });
