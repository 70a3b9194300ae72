/** The rows of one batch as columns, the shape in which one statement takes them (`unnest`). Pure. */
import { approvalIdOf } from '@millrace/contracts';
import type { SlotRequest, Timer } from '@millrace/workflow';
import type { StoredEventWait } from '../event-wait/event-wait.store.js';
import { threadRows, type ThreadRows } from '../thread/thread-rows.js';
import { lastTrace } from './event-traces.js';
import { runOf } from './hot-run.js';
import type { Turn } from './turn.js';

/** Column by column: each tuple of equal index is a row. */
type Columns<Row> = { [Column in keyof Row]: Row[Column][] };

interface EventRow {
  partition: number;
  tenantId: string;
  runId: string;
  position: number;
  type: string;
  data: string;
  at: string;
  traceparent: string | null;
}

/** The read model of a run whose status changed in the batch. JSON columns are text, null where there is nothing. */
interface RunRow {
  partition: number;
  tenantId: string;
  runId: string;
  graphName: string;
  graphVersion: number;
  graphDigest: string;
  threadId: string | null;
  status: string;
  input: string;
  output: string | null;
  error: string | null;
  usage: string;
  steps: string | null;
  lastPosition: number;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
}

interface TimerRow {
  partition: number;
  tenantId: string;
  runId: string;
  node: string;
  attempt: number;
  timer: string;
  dueAt: string;
  traceparent: string | null;
  setAt: string;
}

interface EventWaitRow {
  partition: number;
  tenantId: string;
  runId: string;
  node: string;
  attempt: number;
  subject: string;
  stream: string;
  afterSequence: number;
}

/** The read model of an approval that changed in the batch. JSON columns are text, null where there is nothing. */
interface ApprovalRow {
  partition: number;
  tenantId: string;
  approvalId: string;
  runId: string;
  graphName: string;
  graphVersion: number;
  graphDigest: string;
  node: string;
  attempt: number;
  status: string;
  title: string;
  context: string;
  assignees: string;
  form: string;
  requestedAt: string;
  deadlineAt: string;
  decidedAt: string | null;
  decidedBy: string | null;
  data: string | null;
}

/** A request for shared keys. Lists are JSON, for columns of lists would have to be of one length. */
interface SlotRow {
  partition: number;
  tenantId: string;
  runId: string;
  node: string;
  attempt: number;
  keys: string;
  limits: string;
  requestedAt: string;
  taken: boolean;
}

export interface BatchRows {
  readonly events: Columns<EventRow>;
  readonly runs: Columns<RunRow>;
  readonly timersSet: Columns<TimerRow>;
  readonly timersDropped: Columns<TimerRow>;
  /** Null where there are none, as in most batches. */
  readonly eventWaits: { readonly begun: Columns<EventWaitRow>; readonly ended: Columns<EventWaitRow> } | null;
  readonly approvals: Columns<ApprovalRow> | null;
  /** Null where there are none, as in most batches. */
  readonly slots: { readonly set: Columns<SlotRow>; readonly dropped: Columns<SlotRow> } | null;
  /** Null where no run of the batch is in a thread. */
  readonly threads: ThreadRows | null;
  /** The partitions that the batch writes to. */
  readonly partitions: ReadonlySet<number>;
}

/** What a batch writes, or null where it changes nothing. */
export function rowsOf(turns: readonly Turn[]): BatchRows | null {
  const changing = turns.filter(writes);
  if (changing.length === 0) return null;
  const ofNewStatus = changing.filter((turn) => turn.started || turn.ended || turn.halted);
  return {
    events: columns(changing.flatMap(eventRows), emptyEvents()),
    runs: columns(ofNewStatus.map(runRow), emptyRuns()),
    timersSet: columns(
      changing.flatMap((turn) => timerRows(turn, turn.timersSet)),
      emptyTimers(),
    ),
    timersDropped: columns(
      changing.flatMap((turn) => timerRows(turn, turn.timersDropped)),
      emptyTimers(),
    ),
    eventWaits: eventWaitColumns(changing),
    approvals: approvalColumns(changing),
    slots: slotColumns(changing),
    threads: threadRows(changing),
    partitions: new Set(changing.map((turn) => turn.key.partition)),
  };
}

const writes = (turn: Turn): boolean =>
  turn.events.length > 0 || turn.timersSet.length > 0 || turn.timersDropped.length > 0;

function columns<Row extends object>(rows: readonly Row[], empty: Columns<Row>): Columns<Row> {
  for (const row of rows) {
    for (const column in empty) empty[column].push(row[column]);
  }
  return empty;
}

const eventRows = ({ key, events, traces }: Turn): EventRow[] =>
  events.map(({ event, json }) => ({
    ...key,
    position: event.position,
    type: event.type,
    data: json,
    at: event.at,
    traceparent: traces.get(event.position) ?? null,
  }));

function runRow({ key, run, ended }: Turn): RunRow {
  if (run === null) throw new Error('Only a run that was decided on has a row.');
  const view = runOf(run);
  return {
    ...key,
    graphName: view.graph.name,
    graphVersion: view.graph.version,
    graphDigest: view.graph.digest,
    threadId: view.thread ?? null,
    status: view.status,
    input: JSON.stringify(view.input),
    output: view.output === null ? null : JSON.stringify(view.output),
    error: view.error === null ? null : JSON.stringify(view.error),
    usage: JSON.stringify(view.usage),
    steps: ended ? JSON.stringify(view.steps) : null,
    lastPosition: run.position,
    createdAt: view.createdAt,
    startedAt: view.startedAt,
    finishedAt: view.finishedAt,
  };
}

function approvalColumns(turns: readonly Turn[]): Columns<ApprovalRow> | null {
  const rows = turns.filter((turn) => turn.approvals.length > 0).flatMap(approvalRows);
  return rows.length === 0 ? null : columns(rows, emptyApprovals());
}

function approvalRows({ key, run, approvals }: Turn): ApprovalRow[] {
  if (run === null) return [];
  const { name: graphName, version: graphVersion, digest: graphDigest } = run.graph.identity;
  return approvals.map((approval) => ({
    ...key,
    ...{ graphName, graphVersion, graphDigest },
    approvalId: approvalIdOf(key.runId, approval.node, approval.attempt),
    node: approval.node,
    attempt: approval.attempt,
    status: approval.status,
    title: approval.title,
    context: JSON.stringify(approval.context),
    assignees: JSON.stringify(approval.assignees),
    form: JSON.stringify(approval.form),
    requestedAt: approval.requestedAt,
    deadlineAt: approval.deadlineAt,
    decidedAt: approval.decidedAt,
    decidedBy: approval.decidedBy === null ? null : JSON.stringify(approval.decidedBy),
    data: approval.data === null ? null : JSON.stringify(approval.data),
  }));
}

function eventWaitColumns(turns: readonly Turn[]): BatchRows['eventWaits'] {
  const changed = turns.flatMap(({ eventWaits }) => eventWaits ?? []);
  if (changed.length === 0) return null;
  const begun = changed.flatMap((waits) => waits.begun.map(eventWaitRow));
  const ended = changed.flatMap((waits) => waits.ended.map(eventWaitRow));
  return { begun: columns(begun, emptyEventWaits()), ended: columns(ended, emptyEventWaits()) };
}

const eventWaitRow = ({ key, wait, position }: StoredEventWait): EventWaitRow => ({
  ...key,
  ...wait,
  stream: position.stream,
  afterSequence: position.after,
});

function timerRows({ key, traces, at }: Turn, timers: readonly Timer[]): TimerRow[] {
  const traceparent = lastTrace(traces);
  return timers.map(({ node, attempt, timer, dueAt }) => ({
    ...key,
    ...{ node, attempt, timer, dueAt, traceparent },
    setAt: at,
  }));
}

function slotColumns(turns: readonly Turn[]): BatchRows['slots'] {
  const concerned = turns.filter(({ slotsSet, slotsDropped }) => slotsSet.length + slotsDropped.length > 0);
  if (concerned.length === 0) return null;
  return {
    set: columns(
      concerned.flatMap((turn) => slotRows(turn, turn.slotsSet)),
      emptySlots(),
    ),
    dropped: columns(
      concerned.flatMap((turn) => slotRows(turn, turn.slotsDropped)),
      emptySlots(),
    ),
  };
}

const slotRows = ({ key, at }: Turn, requests: readonly SlotRequest[]): SlotRow[] =>
  requests.map(({ node, attempt, slots, isTaken }) => ({
    ...key,
    ...{ node, attempt, requestedAt: at, taken: isTaken },
    keys: JSON.stringify(slots.map((slot) => slot.key)),
    limits: JSON.stringify(slots.map((slot) => slot.limit)),
  }));

const emptySlots = (): Columns<SlotRow> => ({
  partition: [],
  tenantId: [],
  runId: [],
  node: [],
  attempt: [],
  keys: [],
  limits: [],
  requestedAt: [],
  taken: [],
});

const emptyEvents = (): Columns<EventRow> => ({
  partition: [],
  tenantId: [],
  runId: [],
  position: [],
  type: [],
  data: [],
  at: [],
  traceparent: [],
});

const emptyRuns = (): Columns<RunRow> => ({
  partition: [],
  tenantId: [],
  runId: [],
  graphName: [],
  graphVersion: [],
  graphDigest: [],
  threadId: [],
  status: [],
  input: [],
  output: [],
  error: [],
  usage: [],
  steps: [],
  lastPosition: [],
  createdAt: [],
  startedAt: [],
  finishedAt: [],
});

const emptyTimers = (): Columns<TimerRow> => ({
  partition: [],
  tenantId: [],
  runId: [],
  node: [],
  attempt: [],
  timer: [],
  dueAt: [],
  traceparent: [],
  setAt: [],
});

const emptyEventWaits = (): Columns<EventWaitRow> => ({
  partition: [],
  tenantId: [],
  runId: [],
  node: [],
  attempt: [],
  subject: [],
  stream: [],
  afterSequence: [],
});

const emptyApprovals = (): Columns<ApprovalRow> => ({
  partition: [],
  tenantId: [],
  approvalId: [],
  runId: [],
  graphName: [],
  graphVersion: [],
  graphDigest: [],
  node: [],
  attempt: [],
  status: [],
  title: [],
  context: [],
  assignees: [],
  form: [],
  requestedAt: [],
  deadlineAt: [],
  decidedAt: [],
  decidedBy: [],
  data: [],
});
