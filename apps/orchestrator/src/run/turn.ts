/**
 * One run's turn in a batch, pure: its messages in their order of arrival against its state.
 *
 * 1. Events are numbered from the run's position on, without a gap.
 * 2. A message that changes nothing (a stale result, a repeated start, a late timer) leaves no event.
 * 3. What must be stored beside the events (timers, the read model) follows from the state after the last message.
 */
import type { NewRunEvent, Run, RunEvent } from '@millrace/contracts';
import type { MillraceError } from '@millrace/kernel';
import {
  approvalKey,
  changedApprovals,
  decide,
  eventWaitsOf,
  mayBegin,
  mayShare,
  newTimersOf,
  refusalOf,
  timersOf,
  type ApprovalView,
  type EventWait,
  type SlotRequest,
  type Timer,
} from '@millrace/workflow';
import type { EventPosition, StoredEventWait } from '../event-wait/event-wait.store.js';
import { threadChanges, type ThreadChanges } from '../thread/thread-rows.js';
import { noTraces, type EventTraces } from './event-traces.js';
import {
  applyEvent,
  isPending,
  moveTo,
  newHotRun,
  slotsByNode,
  runOf,
  timersByText,
  timerText,
  type HotRun,
  type RunKey,
} from './hot-run.js';
import { messageOf, type RunWork } from './run-input.js';

/** What one message came to. `run` is there for a command that applied. */
export type RunAnswer =
  | { readonly kind: 'applied'; readonly run?: Run }
  | { readonly kind: 'unchanged' }
  /** Whether the worker that asked may begin. */
  | { readonly kind: 'begin'; readonly granted: boolean }
  | { readonly kind: 'refused'; readonly error: MillraceError }
  | { readonly kind: 'unknown-run' };

/** A run in memory, or why there is none: it has ended, or nobody has started it. */
export type FoundRun = HotRun | 'ended' | 'unknown';

interface DecidedEvent {
  readonly event: RunEvent;
  /** Its data as it is stored. */
  readonly json: string;
}

export interface ChangedEventWaits {
  readonly begun: readonly StoredEventWait[];
  readonly ended: readonly StoredEventWait[];
}

export interface Turn {
  readonly key: RunKey;
  readonly run: HotRun | null;
  readonly events: readonly DecidedEvent[];
  /** The spans of the messages that its events came from. */
  readonly traces: EventTraces;
  /** When it was taken, ISO 8601. */
  readonly at: string;
  readonly started: boolean;
  readonly ended: boolean;
  /** Whether it was paused, resumed, retried or moved, or came to its turn. */
  readonly halted: boolean;
  readonly timersSet: readonly Timer[];
  readonly timersDropped: readonly Timer[];
  /** The waits for events that began and ended; null where there are none. */
  readonly eventWaits: ChangedEventWaits | null;
  /** The requests for shared keys that were made or taken, and those that are over. */
  readonly slotsSet: readonly SlotRequest[];
  readonly slotsDropped: readonly SlotRequest[];
  /** What changes at the run's thread; null for most. */
  readonly thread: ThreadChanges | null;
  /** The approvals that were asked for, decided or cancelled. */
  readonly approvals: readonly ApprovalView[];
  /** One for each message, in their order. */
  readonly answers: readonly RunAnswer[];
}

export interface Circumstances {
  /** ISO 8601, UTC: the `at` of every event of the batch. */
  readonly now: string;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /** The span of each message, by its index; null where none is recorded. */
  readonly traceparents?: readonly (string | null)[];
  /** A place in the stream of events that lies before whatever begins now. */
  readonly eventPosition?: EventPosition;
}

/** Decides a run's messages. Changes `found` where it is a hot run. */
export function takeTurn(key: RunKey, found: FoundRun, works: readonly RunWork[], circumstances: Circumstances): Turn {
  const events: DecidedEvent[] = [];
  const answers: RunAnswer[] = [];
  let traces = noTraces;
  let current = found;
  for (const [index, work] of works.entries()) {
    if (current === 'unknown' && work.type === 'start') current = hotRunFor(key, work, circumstances.now);
    const decided = events.length;
    answers.push(typeof current === 'string' ? refusal(current) : applyWork(current, work, circumstances, events));
    traces = withTraces(traces, events.slice(decided), circumstances.traceparents?.[index]);
  }
  const run = typeof current === 'string' ? null : current;
  const timers = run === null ? { set: [], dropped: [] } : changedTimers(run, events);
  return {
    key,
    run,
    events,
    traces,
    at: circumstances.now,
    started: events[0]?.event.position === 1,
    ended: run !== null && run.ended && events.length > 0,
    halted: events.some(({ event }) => haltingTypes.has(event.type)),
    timersSet: timers.set,
    timersDropped: [...timers.dropped, ...overdue(run, works)],
    eventWaits: run === null ? null : changedEventWaits(run, events, circumstances),
    ...changedSlots(run, events),
    thread: threadChanges(run, events),
    approvals: run === null ? [] : approvalsAfter(run, events),
    answers,
  };
}

const haltingTypes: ReadonlySet<string> = new Set([
  ...['RunPaused', 'RunResumed', 'RunRetried', 'RunMigrated', 'ThreadEntered', 'RunAdmitted'],
]);

function withTraces(
  traces: EventTraces,
  decided: readonly DecidedEvent[],
  traceparent: string | null | undefined,
): EventTraces {
  if (traceparent === null || traceparent === undefined) return traces;
  return new Map([...traces, ...decided.map(({ event }) => [event.position, traceparent] as const)]);
}

const refusal = (found: 'ended' | 'unknown'): RunAnswer =>
  found === 'ended' ? { kind: 'unchanged' } : { kind: 'unknown-run' };

function hotRunFor(key: RunKey, work: Extract<RunWork, { type: 'start' }>, now: string): HotRun {
  const { graph, input, correlationId, traceparent, priority = graph.compiled.priority, thread } = work;
  return newHotRun(key, graph, { input, correlationId, traceparent, priority, thread, createdAt: now });
}

function applyWork(run: HotRun, work: RunWork, circumstances: Circumstances, events: DecidedEvent[]): RunAnswer {
  if ((run.ended && work.type !== 'retry') || (work.type === 'start' && run.position > 0)) return { kind: 'unchanged' };
  const decided = eventsAfter(run, work, circumstances);
  if (decided.length === 0 && work.type !== 'task-begin') return answerWithoutEvents(run, work, circumstances);
  if (work.type === 'migrate' && decided.length > 0) moveTo(run, work.graph);
  for (const newEvent of decided) {
    const event: RunEvent = { ...newEvent, position: run.position + 1 };
    const json = JSON.stringify(event.data);
    applyEvent(run, event, json);
    events.push({ event, json });
  }
  if (work.type === 'task-begin')
    return { kind: 'begin', granted: run.state.status === 'running' && mayBegin(run.state, work) };
  return isCommand(work) ? { kind: 'applied', run: runOf(run) } : { kind: 'applied' };
}

const commands: ReadonlySet<RunWork['type']> = new Set([
  ...(['start', 'cancel', 'pause', 'resume', 'retry', 'migrate', 'signal', 'decision'] as const),
]);
const isCommand = ({ type }: RunWork): boolean => commands.has(type);

function answerWithoutEvents(run: HotRun, work: RunWork, circumstances: Circumstances): RunAnswer {
  const input = work.type === 'failure' ? work.inPlaceOf : work;
  const error = refusalOf(run.graph.compiled, run.state, messageOf(run, input, circumstances));
  return error === null ? { kind: 'unchanged' } : { kind: 'refused', error };
}

function eventsAfter(run: HotRun, work: RunWork, circumstances: Circumstances): readonly NewRunEvent[] {
  const input = work.type === 'failure' ? work.inPlaceOf : work;
  const decided = decide(run.graph.compiled, run.state, messageOf(run, input, circumstances));
  if (work.type !== 'failure' || decided.length === 0) return decided;
  return [{ type: 'RunFailed', at: circumstances.now, data: { error: work.error } }];
}

/** Compares the stored timers with those the state asks for, and remembers the latter as the stored ones. */
function changedTimers(run: HotRun, events: readonly DecidedEvent[]): { set: Timer[]; dropped: Timer[] } {
  const { timers: before, graph, state } = run;
  const mayBegin =
    before.size > 0 ||
    newTimersOf(
      graph.compiled,
      state,
      events.map(({ event }) => event),
    ).length > 0;
  if (events.length === 0 || !mayBegin) return { set: [], dropped: [] };
  const after = run.ended ? new Map<string, Timer>() : timersByText(timersOf(graph.compiled, state));
  run.timers = after;
  return {
    set: [...after].filter(([text, timer]) => before.get(text)?.dueAt !== timer.dueAt).map(([, timer]) => timer),
    dropped: [...before].filter(([text]) => !after.has(text)).map(([, timer]) => timer),
  };
}

/** Compares who waited for events with who does now, and remembers the latter. */
function changedEventWaits(
  run: HotRun,
  events: readonly DecidedEvent[],
  { eventPosition: position = { stream: '', after: 0 } }: Circumstances,
): ChangedEventWaits | null {
  if (!run.graph.compiled.awaitsEvents || events.length === 0) return null;
  const textOf = ({ node, attempt }: EventWait): string => `${attempt}:${node}`;
  const before = new Map(run.eventWaits.map((stored) => [textOf(stored.wait), stored]));
  const waits = eventWaitsOf(run.graph.compiled, run.state);
  const after = new Map(
    waits.map((wait) => [textOf(wait), before.get(textOf(wait)) ?? { key: run.key, wait, position }] as const),
  );
  run.eventWaits = [...after.values()];
  const begun = run.eventWaits.filter(({ wait }) => !before.has(textOf(wait)));
  const ended = [...before.values()].filter(({ wait }) => !after.has(textOf(wait)));
  return begun.length + ended.length === 0 ? null : { begun, ended };
}

/** Compares the stored requests for shared keys with those the state makes, and remembers the latter as the stored ones. */
function changedSlots(run: HotRun | null, events: readonly DecidedEvent[]): Pick<Turn, 'slotsSet' | 'slotsDropped'> {
  if (run === null || events.length === 0 || !mayShare(run.graph.compiled, run.state))
    return { slotsSet: [], slotsDropped: [] };
  const before = run.slots;
  const after = run.ended ? new Map<string, SlotRequest>() : slotsByNode(run.graph.compiled, run.state);
  run.slots = after;
  const isStored = (request: SlotRequest) => {
    const stored = before.get(request.node);
    return stored?.attempt === request.attempt && stored.isTaken === request.isTaken;
  };
  return {
    slotsSet: [...after.values()].filter((request) => !isStored(request)),
    slotsDropped: [...before.values()].filter(({ node, attempt }) => after.get(node)?.attempt !== attempt),
  };
}

const asks: ReadonlySet<string> = new Set(['ApprovalRequested', 'EffectUncertain']);

/** The approvals that the events changed; remembers those that are pending. */
function approvalsAfter(run: HotRun, events: readonly DecidedEvent[]): readonly ApprovalView[] {
  const isConcerned = run.approvals.length > 0 || events.some(({ event }) => asks.has(event.type));
  if (events.length === 0 || !isConcerned) return [];
  const changed = changedApprovals(
    run.state,
    run.approvals,
    events.map(({ event }) => event),
  );
  const changedKeys = new Set(changed.map(approvalKey));
  const unchanged = run.approvals.filter((approval) => !changedKeys.has(approvalKey(approval)));
  run.approvals = [...unchanged, ...changed.filter(isPending)];
  return changed;
}

/** Timers that fired and that the run does not wait for: their rows are left over. */
function overdue(run: HotRun | null, works: readonly RunWork[]): Timer[] {
  return works
    .filter((work) => work.type === 'timer')
    .map((work) => work.timer)
    .filter((timer) => run === null || !run.timers.has(timerText(timer)));
}
