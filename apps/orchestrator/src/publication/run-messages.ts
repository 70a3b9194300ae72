/**
 * What the outside hears of a run: which messages follow from which events. Pure, so that a replica that takes a run over
 * publishes the same messages with the same ids again.
 */
import {
  approvalIdOf,
  cloudEventHeaders,
  customResultSubject,
  customWorkerSubject,
  eventSubject,
  liveEndSubject,
  liveEventsSubject,
  liveRunEnded,
  liveRunEvents,
  llmTask,
  resultSubject,
  runApprovalDecidedEvent,
  runApprovalRequestedEvent,
  runCancelledEvent,
  runCompletedEvent,
  runEmittedEvent,
  runFailedEvent,
  runMigratedEvent,
  runRetriedEvent,
  runStartedEvent,
  runStepCompletedEvent,
  taskContracts,
  taskIdOf,
  type Envelope,
  type EventContract,
  type RunEvent,
  type RunEventOf,
  type TaskData,
  type Usage,
} from '@millrace/contracts';
import type { Headers, OutgoingMessage } from '@millrace/messaging';
import { reconciliationAssignees, reconciliationTitle, viewOf, type TaskToDo } from '@millrace/workflow';
import type { EventTraces } from '../run/event-traces.js';
import { graphAt, runOf, type HotRun } from '../run/hot-run.js';

/** The message that hands a task to a worker. Its id is the task's, the same however often it is published. */
export function taskMessage(
  run: HotRun,
  task: TaskToDo,
  scheduledAt: string,
  /** The span that scheduled it. */
  traceparent?: string,
  /** Where this replica takes results that come together. */
  togetherTo?: string,
): OutgoingMessage {
  const contract = taskContracts[task.kind];
  const program = task.worker === undefined ? null : { tenantId: run.key.tenantId, worker: task.worker };
  const taskId = taskIdOf(run.key.runId, task.node, task.attempt);
  const data: TaskData = {
    taskId,
    runId: run.key.runId,
    node: task.node,
    attempt: task.attempt,
    ...generationOf(run),
    input: task.input,
    ...(task.deadlineAt !== undefined && { deadlineAt: task.deadlineAt }),
    ...(task.attemptMs !== null && { attemptMs: task.attemptMs }),
    ...(task.idleMs !== null && { idleMs: task.idleMs }),
    ...(task.idempotencyKey !== undefined && { idempotencyKey: task.idempotencyKey }),
    ...(task.asksToBegin && { asksToBegin: true as const }),
    stream: task.kind === llmTask.taskKind,
    replyTo: program === null ? resultSubject(run.key.partition) : customResultSubject(program, run.key.partition),
    ...(program === null && togetherTo !== undefined && { togetherTo }),
  };
  return {
    subject: program === null ? contract.subject : customWorkerSubject(program),
    envelope: envelope(run, contract, taskId, scheduledAt, data),
    headers: traceHeaders(run, traceparent),
  };
}

/** How often the run has been retried, where it has been. */
function generationOf({ state }: HotRun): { generation?: number } {
  const generation = state.status === 'new' ? 0 : state.retries.length;
  return generation === 0 ? {} : { generation };
}

/**
 * Gives the stored events (`evt.…`) that announce a run's events; ids are `<run>:<position>`. `history` is all events of a run that may have
 * gone on since: what is announced again says what it said.
 */
export type Announce = (
  run: HotRun,
  events: readonly RunEvent[],
  traces: EventTraces,
  history?: readonly RunEvent[],
) => OutgoingMessage[];

/** Announces runs, and their steps where `steps` says so: a message for each of them is most of what a run would announce. */
export const announcing =
  ({ steps }: { readonly steps: boolean }): Announce =>
  (run, events, traces, history) =>
    announcementsOf(run, steps ? events : events.filter((event) => event.type !== 'NodeCompleted'), traces, history);

function announcementsOf(
  run: HotRun,
  events: readonly RunEvent[],
  traces: EventTraces,
  history: readonly RunEvent[] | undefined,
): OutgoingMessage[] {
  return events.flatMap((event) => {
    const announced = announcementOf(run, event, history);
    if (announced === null) return [];
    const id = `${run.key.runId}:${event.position}`;
    const announcement = envelope(run, announced.contract, id, event.at, announced.data);
    return {
      subject: eventSubject(announced.contract, run.key.tenantId),
      envelope: announcement,
      headers: {
        ...cloudEventHeaders(announced.contract, announcement),
        ...traceHeaders(run, traces.get(event.position)),
      },
    };
  });
}

/** The hint to whoever follows the run now. Never stored: a reader fills gaps from the run's events. */
export function liveMessage(run: HotRun, events: readonly RunEvent[], at: string): OutgoingMessage {
  const id = `${run.key.runId}:live:${run.position}`;
  return {
    subject: liveEventsSubject(run.key.runId),
    envelope: envelope(run, liveRunEvents, id, at, { events }),
  };
}

/** A run whose events take more characters than this is not sent along with the hint at its end. */
const maxCharactersInHint = 65_536;

/** The hint to whoever waits for the end of the run, which it says as it is stored. */
export function endMessage(run: HotRun, finishedAt: string): OutgoingMessage {
  const data = { run: run.weight > maxCharactersInHint ? null : runOf(run) };
  return {
    subject: liveEndSubject(run.key.runId),
    envelope: envelope(run, liveRunEnded, `${run.key.runId}:ended`, finishedAt, data),
  };
}

/** What a run had used at one of its events, which a retry may have left behind. */
function usageUntil(history: readonly RunEvent[], position: number): Usage {
  const none: Usage = { promptTokens: 0, completionTokens: 0, costUsd: 0 };
  return history.reduce((sum, event) => {
    if (event.type !== 'NodeCompleted' || event.position > position || !event.data.usage) return sum;
    const { promptTokens, completionTokens, costUsd } = event.data.usage;
    return {
      promptTokens: sum.promptTokens + promptTokens,
      completionTokens: sum.completionTokens + completionTokens,
      costUsd: sum.costUsd + costUsd,
    };
  }, none);
}

const holdsKeys = ({ state }: HotRun): boolean => state.status !== 'new' && state.room !== undefined;

function announcementOf(
  run: HotRun,
  event: RunEvent,
  history: readonly RunEvent[] | undefined,
): { contract: EventContract; data: object } | null {
  const subject = { runId: run.key.runId, graph: graphAt(run, event.position) };
  switch (event.type) {
    case 'RunStarted':
      // Where it waits for its turn, or for room, it is announced when it begins.
      return event.data.thread === undefined && event.data.slots === undefined
        ? { contract: runStartedEvent, data: subject }
        : null;
    case 'ThreadEntered':
      return event.data.generation === undefined && !holdsKeys(run)
        ? { contract: runStartedEvent, data: subject }
        : null;
    case 'RunAdmitted':
      return event.data.generation === undefined ? { contract: runStartedEvent, data: subject } : null;
    case 'NodeCompleted': {
      const { node, attempt } = event.data;
      return { contract: runStepCompletedEvent, data: { ...subject, node, attempt } };
    }
    case 'ApprovalRequested': {
      const { node, attempt, title, assignees, deadlineAt } = event.data;
      const approvalId = approvalIdOf(run.key.runId, node, attempt);
      return {
        contract: runApprovalRequestedEvent,
        data: { ...subject, approvalId, node, title, assignees, deadlineAt },
      };
    }
    case 'EffectUncertain': {
      const { node, attempt, deadlineAt } = event.data;
      const approvalId = approvalIdOf(run.key.runId, node, attempt);
      const asked = { title: reconciliationTitle(node), assignees: [...reconciliationAssignees] };
      return { contract: runApprovalRequestedEvent, data: { ...subject, approvalId, node, ...asked, deadlineAt } };
    }
    case 'ApprovalDecided': {
      const { node, attempt, outcome, by } = event.data;
      const approvalId = approvalIdOf(run.key.runId, node, attempt);
      return { contract: runApprovalDecidedEvent, data: { ...subject, approvalId, node, outcome, by } };
    }
    case 'EventEmitted':
      return { contract: runEmittedEvent, data: { ...subject, ...event.data } };
    case 'RunCompleted': {
      const usage = history ? usageUntil(history, event.position) : viewOf(run.graph.compiled, run.state).usage;
      return { contract: runCompletedEvent, data: { ...subject, usage } };
    }
    case 'RunFailed':
      return { contract: runFailedEvent, data: { ...subject, error: event.data.error } };
    case 'RunCancelled':
      return { contract: runCancelledEvent, data: { ...subject, ...event.data } };
    case 'RunRetried':
      return retriedAnnouncement(run, event);
    case 'RunMigrated':
      return { contract: runMigratedEvent, data: { ...subject, from: event.data.from } };
    case 'NodeReused':
    case 'NodeScheduled':
    case 'NodeRetryScheduled':
    case 'NodeFailed':
    case 'NodeSkipped':
    case 'MapStarted':
    case 'MapItemFailed':
    case 'LoopRoundStarted':
    case 'LoopRoundCompleted':
    case 'SlotsRequested':
    case 'SlotsGranted':
    case 'EffectBegun':
    case 'RunEnding':
    case 'RunPaused':
    case 'RunResumed':
    case 'WaitStarted':
    case 'SignalReceived':
    case 'SignalConsumed':
      return null;
    default:
      // A type that a newer version wrote: it is stored and followed, and this version has no announcement for it.
      return null;
  }
}

function retriedAnnouncement(run: HotRun, { position, data }: RunEventOf<'RunRetried'> & { position: number }) {
  const { key, state } = run;
  const retries = state.status === 'new' ? [] : state.retries;
  const generation = retries.indexOf(data.id) + 1;
  return {
    contract: runRetriedEvent,
    data: { runId: key.runId, graph: graphAt(run, position), from: data.from, generation },
  };
}

function envelope<Data>(
  run: HotRun,
  contract: { readonly name: string; readonly version: number },
  id: string,
  occurredAt: string,
  data: Data,
): Envelope<Data> {
  return {
    id,
    type: contract.name,
    version: contract.version,
    tenantId: run.key.tenantId,
    occurredAt,
    correlationId: run.origin.correlationId,
    causationId: run.key.runId,
    data,
  };
}

/** What was not recorded by itself belongs to the trace that the run began in. */
const traceHeaders = ({ origin }: HotRun, traceparent = origin.traceparent): Headers =>
  traceparent === undefined ? {} : { traceparent };
