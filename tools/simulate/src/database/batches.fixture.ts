/** Batches as the writer makes them, of the rows that a test names. */
import type { ApprovalRow, BatchRows, EventRow, EventWaitRow, RunRow, SlotRow, TimerRow } from './tables.js';

export interface Key {
  readonly partition: number;
  readonly tenantId: string;
  readonly runId: string;
}

export interface Rows {
  readonly events?: readonly EventRow[];
  readonly runs?: readonly RunRow[];
  readonly timersSet?: readonly TimerRow[];
  readonly timersDropped?: readonly TimerRow[];
  readonly waitsBegun?: readonly EventWaitRow[];
  readonly waitsEnded?: readonly EventWaitRow[];
  readonly slotsSet?: readonly SlotRow[];
  readonly slotsDropped?: readonly SlotRow[];
  readonly approvals?: readonly ApprovalRow[];
}

/** The moment so many seconds after an hour at which nothing else happens. */
export const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1, 12) + seconds * 1_000).toISOString();

export const eventOf = (key: Key, position: number, data: object = {}, type = 'SignalReceived'): EventRow => ({
  ...key,
  ...{ position, type, data: JSON.stringify(data), at: at(position), traceparent: null },
});

export const runRowOf = (key: Key, changes: Partial<RunRow> = {}): RunRow => ({
  ...key,
  ...{ graphName: 'g', graphVersion: 1, graphDigest: 'd1', status: 'running', input: '{"a":1}', output: null },
  ...{ error: null, usage: '{"promptTokens":1,"completionTokens":2,"costUsd":0.5}', steps: null, lastPosition: 1 },
  ...{ createdAt: at(0), startedAt: at(0), finishedAt: null, threadId: null },
  ...changes,
});

export const timerOf = (key: Key, node: string, seconds: number, changes: Partial<TimerRow> = {}): TimerRow => ({
  ...key,
  ...{ node, attempt: 1, timer: 'retry', dueAt: at(seconds), traceparent: null, setAt: at(0) },
  ...changes,
});

export const waitOf = (key: Key, node: string, afterSequence = 0): EventWaitRow => ({
  ...key,
  ...{ node, attempt: 1, subject: 'run.*.v1', stream: 's', afterSequence },
});

export const slotOf = (key: Key, node: string, seconds: number, changes: Partial<SlotRow> = {}): SlotRow => ({
  ...key,
  ...{ node, attempt: 1, keys: '["printer"]', limits: '[1]', requestedAt: at(seconds), taken: false },
  ...changes,
});

export const approvalRowOf = (key: Key, approvalId: string, changes: Partial<ApprovalRow> = {}): ApprovalRow => ({
  ...key,
  ...{ approvalId, graphName: 'g', graphVersion: 1, graphDigest: 'd1', node: 'n', attempt: 1, status: 'pending' },
  ...{ title: 'T', context: '{"c":1}', assignees: '["role:admin"]', form: '{}', requestedAt: at(1) },
  ...{ deadlineAt: at(100), decidedAt: null, decidedBy: null, data: null },
  ...changes,
});

const anyKey: Key = { partition: 0, tenantId: '', runId: '' };
/** A row of each table: what its columns are called. */
const samples = {
  events: eventOf(anyKey, 1),
  runs: runRowOf(anyKey),
  timers: timerOf(anyKey, '', 0),
  waits: waitOf(anyKey, ''),
  slots: slotOf(anyKey, '', 0),
  approvals: approvalRowOf(anyKey, ''),
};

type Columns<Row> = { [Column in keyof Row]: Row[Column][] };

const columnsOf = <Row extends object>(sample: Row, rows: readonly Row[] = []): Columns<Row> =>
  Object.fromEntries(
    Object.keys(sample).map((name) => [name, rows.map((row) => row[name as keyof Row])]),
  ) as Columns<Row>;

export function batchOf(rows: Rows): BatchRows {
  const all: Key[] = Object.values(rows as Record<string, readonly Key[]>).flat();
  const hasWaits = rows.waitsBegun !== undefined || rows.waitsEnded !== undefined;
  const hasSlots = rows.slotsSet !== undefined || rows.slotsDropped !== undefined;
  const { events, runs, timers, waits, slots, approvals } = samples;
  return {
    events: columnsOf(events, rows.events),
    runs: columnsOf(runs, rows.runs),
    timersSet: columnsOf(timers, rows.timersSet),
    timersDropped: columnsOf(timers, rows.timersDropped),
    eventWaits: hasWaits
      ? { begun: columnsOf(waits, rows.waitsBegun), ended: columnsOf(waits, rows.waitsEnded) }
      : null,
    approvals: rows.approvals === undefined ? null : columnsOf(approvals, rows.approvals),
    slots: hasSlots ? { set: columnsOf(slots, rows.slotsSet), dropped: columnsOf(slots, rows.slotsDropped) } : null,
    threads: null,
    partitions: new Set(all.map(({ partition }) => partition)),
  };
}
