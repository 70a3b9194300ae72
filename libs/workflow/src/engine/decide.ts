/**
 * What follows from a message. `decide` changes nothing; its events are what happened, and `evolve` folds them.
 *
 *   message       when                                               events
 *   start         the run is new                                     RunStarted, and the first nodes begin
 *                 it belongs to a thread                              RunStarted; it waits for its turn
 *                 it shares keys as a whole                          RunStarted; it waits for room
 *                 it is a fork                                       RunStarted, NodeReused for what it takes along, and what may begin begins
 *                 its input does not fit the graph                   RunStarted, RunFailed invalid_input
 *   task-result   completed, of the running attempt                  NodeCompleted, and what became ready begins
 *                 failed, and may be tried again in time             NodeRetryScheduled
 *                 failed for good                                    NodeFailed, and so on outwards to RunFailed or onError: continue
 *   task-idle     the running attempt, of a node that has a limit    as failed with idle_timeout
 *   timer retry   the node is retrying, after this attempt, and the  NodeScheduled, attempt n + 1
 *                 run is not paused
 *   timer timeout the node is running or retrying, of this attempt,  NodeFailed timeout, as above
 *                 and its limit has passed
 *                 the node is an approval                            ApprovalDecided, NodeCompleted or NodeFailed, as above
 *   timer wait    the node waits for this moment                     NodeCompleted, as above
 *   run-timeout   the run is running, of this generation             RunFailed run_timeout
 *   signal        the run is running, the signal is new to it        SignalReceived, and SignalConsumed, NodeCompleted where a node
 *                                                                    waits for it
 *   event         the node waits for one of its subject, and it      NodeCompleted, as above
 *                 passes the filter
 *   decision      the node asks for it, of whom, in this form        ApprovalDecided, NodeCompleted or NodeFailed, as above
 *   what would begin an attempt beyond the budget                    RunPaused, RunFailed or NodeSkipped, as the graph says
 *   pause         the run is running, and not paused                 RunPaused; what follows from later events is held back
 *   resume        the run is paused                                  RunResumed, and what was held back
 *   slots-granted the running attempt waits for room, and the run    SlotsGranted
 *                 is not paused
 *   task-begin    the running attempt has no claim, and needs one    EffectBegun
 *   what fails an attempt and does not tell whether an effect        EffectUncertain
 *                 happened that must not happen twice
 *   decision      the node waits for somebody to tell that           ApprovalDecided, NodeCompleted, NodeRetryScheduled or NodeFailed
 *   migrate       the run is running, on another version, and what    RunMigrated, and what may begin there begins
 *                 it has done fits that version
 *   cancel        the run is running                                 RunCancelled
 *   what fails or cancels a run with effects to take back            RunEnding, NodeScheduled for one after the other, then
 *                                                                    RunFailed or RunCancelled
 *   retry         the run has ended, the retry is new to it          RunRetried, and what may begin begins, in a thread in its turn
 *   thread-entered  the run waits for its turn, in this generation,  ThreadEntered, and the first nodes begin, or what is ready
 *                 and is not paused
 *   slots-granted the run waits for room, in this generation, and    RunAdmitted, and the first nodes begin, or what is ready
 *                 is not paused
 *   anything else (a stale attempt, an unknown node, an ended run,   nothing
 *                 a task of another program)
 *
 * A node begins when all that it needs has ended: skipped if all of these were skipped, or if `when` is false.
 * The run completes when every node has ended.
 */
import type { NewRunEvent, TaskOutcome } from '@millrace/contracts';
import { assertNever, MillraceError, type ErrorShape, type JsonObject } from '@millrace/kernel';
import {
  isCompensation,
  isWorker,
  type CompiledGraph,
  type CompiledNode,
  type CompiledWorker,
} from '../compile/compiled-graph.js';
import { decideApproval, expireApproval } from './approval.js';
import { checkInput } from './check-input.js';
import { advance } from './advance.js';
import { newDecision, record, running, type Decision } from './decision.js';
import { affords, beginWhatIsReady } from './budget.js';
import { endRun } from './compensate.js';
import { beginEffect, completeWorker, parkIfUncertain } from './effect.js';
import { failNode, failRun } from './end.js';
import { idleOutcome } from './idle.js';
import type { Fork } from './fork.js';
import { storableError } from './failure.js';
import { locate, type Location } from './location.js';
import type { RunMessage, TimerKind } from './messages.js';
import { runMigrated } from './migrate-run.js';
import { giveUpReconciling, parkedAt, reconcile } from './reconciliation.js';
import { refusalOf } from './refusal.js';
import { routed } from './router.js';
import { retryDueAt } from './retry.js';
import { runRetried } from './retry-run.js';
import { admitRun, isForRun, slotsOfRun } from './run-slots.js';
import { takeSlots } from './slots.js';
import { enterThread } from './thread.js';
import type { NodeState, RunningRun, RunState, Slot } from './state.js';
import { endWait, takeEvent, takeSignal } from './wait.js';

/**
 * The events that follow from a message; none when it changes nothing. Never throws for bad data: what fails is the node
 * or the run. The state given is not changed.
 */
export function decide(graph: CompiledGraph, state: RunState, message: RunMessage): NewRunEvent[] {
  if (message.type === 'start') return state.status === 'new' ? start(graph, state, message) : [];
  if (message.type === 'retry') return state.status === 'new' ? [] : retry(graph, state, message);
  if (state.status !== 'running') return [];
  if (message.type === 'migrate') return migrate(graph, state, message);
  if (message.type === 'pause') {
    return state.pausedAt === null && state.ending === null
      ? [{ type: 'RunPaused', at: message.now, data: { reason: message.reason } }]
      : [];
  }
  const decision = newDecision(graph, state, message.now);
  if (message.type === 'cancel') endRun(decision, { outcome: 'cancelled', reason: message.reason });
  else if (message.type === 'resume') resume(decision, state);
  else if (message.type === 'thread-entered') {
    if (enterThread(decision, message)) goOnOrEnd(decision);
  } else if (message.type === 'slots-granted' && isForRun(message)) {
    if (admitRun(decision, message)) goOnOrEnd(decision);
  } else if (message.type === 'timer' && message.timer === 'run-timeout') expireRun(decision, state, message.attempt);
  else if (message.type === 'signal') decideSignal(decision, state, message);
  else if (message.type === 'decision') decideDecision(decision, state, message);
  else decideNode(decision, state, message);
  return decision.events;
}

/** Lets a run that has ended go on: what is ready without having begun begins. */
function retry(graph: CompiledGraph, state: BegunRun, message: Extract<RunMessage, { type: 'retry' }>): NewRunEvent[] {
  if (state.retries.includes(message.id) || refusalOf(graph, state, message) !== null) return [];
  const decision = newDecision(graph, state, message.now);
  record(decision, runRetried(graph, state, message));
  goOn(decision);
  return decision.events;
}

/** Lets a run go on with another version of its graph. */
function migrate(
  graph: CompiledGraph,
  state: RunningRun,
  message: Extract<RunMessage, { type: 'migrate' }>,
): NewRunEvent[] {
  const { to, compiled } = message.migration;
  if (state.graph.digest === to.digest || refusalOf(graph, state, message) !== null) return [];
  const decision = newDecision(compiled, state, message.now);
  record(decision, runMigrated(state, message));
  goOnOrEnd(decision);
  return decision.events;
}

/** Goes on where nothing may be left to do, as in another version of the graph. */
function goOnOrEnd(decision: Decision): void {
  const [first] = decision.graph.root.nodes;
  if (running(decision)?.frames.get('')?.remaining === 0 && first)
    decision.agenda.push({ action: 'ended', path: first.id });
  goOn(decision);
}

/** Begins whatever of the graph itself is ready and has not begun. */
function goOn(decision: Decision): void {
  const frame = running(decision)?.frames.get('');
  for (const node of decision.graph.root.nodes) {
    const isReady = frame?.waiting[node.index] === 0 && running(decision)?.nodes.get(node.id) === undefined;
    if (isReady) decision.agenda.push({ action: 'begin', path: node.id });
  }
  advance(decision);
}

function expireRun(decision: Decision, state: RunningRun, generation: number): void {
  if (decision.graph.timeoutMs === null || generation !== state.retries.length) return;
  failRun(decision, { code: 'run_timeout', message: 'The run took longer than its graph allows.' });
}

/** Goes on with what was held back. */
function resume(decision: Decision, state: RunningRun): void {
  const { pausedAt, held, isOverBudget, migrated = false } = state;
  if (pausedAt === null) return;
  record(decision, { type: 'RunResumed', at: decision.now, data: {} });
  if (isOverBudget || migrated) beginWhatIsReady(decision);
  for (const path of held) decision.agenda.push({ action: 'ended', path });
  advance(decision);
}

function decideSignal(decision: Decision, state: RunningRun, message: Extract<RunMessage, { type: 'signal' }>): void {
  const isKnown = state.signals.some(({ id }) => id === message.id);
  if (isKnown || refusalOf(decision.graph, state, message) !== null) return;
  takeSignal(decision, message);
  advance(decision);
}

function decideDecision(
  decision: Decision,
  state: RunningRun,
  message: Extract<RunMessage, { type: 'decision' }>,
): void {
  if (refusalOf(decision.graph, state, message) !== null) return;
  const parked = parkedAt(state, message.node);
  if (parked) reconcile(decision, parked, message);
  else decideApproval(decision, state, message);
  advance(decision);
}

function start(graph: CompiledGraph, state: RunState, message: Extract<RunMessage, { type: 'start' }>): NewRunEvent[] {
  const { runId, correlationId, traceparent, fork, thread, now } = message;
  const checked = checkInput(graph, message.input);
  const input = 'input' in checked ? checked.input : message.input;
  const decision = newDecision(graph, state, now);
  const priority = message.priority ?? graph.priority;
  const rest = {
    ...(traceparent !== undefined && { traceparent }),
    ...(priority !== 'normal' && { priority }),
    ...(fork && { forkedFrom: originOf(fork) }),
    ...(thread !== undefined && { thread }),
  };
  const slots = 'violations' in checked ? [] : slotsOrError(decision, { runId, input });
  const asked = slots instanceof MillraceError || slots.length === 0 ? {} : { slots };
  record(decision, {
    type: 'RunStarted',
    at: now,
    data: { runId, graph: message.graph, input, correlationId, ...rest, ...asked },
  });
  if ('violations' in checked) {
    const reasons = checked.violations.map(({ pointer, message: text }) => `${pointer || '/'}: ${text}`);
    failRun(decision, { code: 'invalid_input', message: `The input does not fit the graph. ${reasons.join('; ')}` });
  } else if (slots instanceof MillraceError) {
    failRun(decision, { code: slots.code, message: slots.message });
  } else if (fork !== undefined) {
    for (const data of fork.reused) record(decision, { type: 'NodeReused', at: now, data });
    goOn(decision);
  } else {
    for (const node of graph.root.roots) decision.agenda.push({ action: 'begin', path: node.id });
    advance(decision);
  }
  return decision.events;
}

function slotsOrError(decision: Decision, begun: { runId: string; input: JsonObject }): Slot[] | MillraceError {
  try {
    return slotsOfRun(decision.graph, begun, decision.meter);
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
}

const originOf = ({ reused: _reused, ...origin }: Fork) => origin;

type BegunRun = Exclude<RunState, { status: 'new' }>;
type BegunNodeState = Extract<NodeState, { attempt: number }>;
type NodeMessage = Extract<
  RunMessage,
  { type: 'task-result' | 'task-idle' | 'task-begin' | 'slots-granted' | 'timer' | 'event' }
>;
type OutcomeMessage = Extract<RunMessage, { type: 'task-result' | 'task-idle' }>;

function decideNode(decision: Decision, state: RunningRun, message: NodeMessage): void {
  const { node: path, attempt } = message;
  const node = state.nodes.get(path);
  if (node === undefined || !('attempt' in node) || node.attempt !== attempt) return;
  const location = locate(state, path);
  if (!location) return;
  if (message.type === 'event') {
    if (node.status !== 'running' || node.progress?.kind !== 'wait') return;
    takeEvent(decision, state, location, message.event);
    advance(decision);
    return;
  }
  if (message.type !== 'timer') {
    if (node.status !== 'running' || !isWorker(location.node)) return;
    if (message.type === 'slots-granted') takeSlots(decision, path, node);
    else if (message.type === 'task-begin') beginEffect(decision, node, location.node, message);
    else applyOutcome(decision, path, location.node, message);
    return;
  }
  fireTimer(decision, location, node, message.timer);
}

/** How an attempt ended; null for what another worker than the node's says, or is said of a node without such a limit. */
function outcomeOf(worker: CompiledWorker, message: OutcomeMessage): TaskOutcome | null {
  if (message.type === 'task-idle') return idleOutcome(worker);
  return worker.worker === message.worker ? message.outcome : null;
}

function fireTimer(decision: Decision, { path, node }: Location, state: BegunNodeState, timer: TimerKind): void {
  switch (timer) {
    case 'retry': {
      if (state.status !== 'retrying' || running(decision)?.pausedAt !== null) return;
      const run = running(decision);
      if (!run || (isWorker(node) && !mayTryAgain(decision, run, path, node))) return;
      const deadline = state.deadlineAt === undefined ? {} : { deadlineAt: state.deadlineAt };
      const data = { node: path, kind: node.kind, attempt: state.attempt + 1, ...deadline };
      record(decision, { type: 'NodeScheduled', at: decision.now, data });
      return;
    }
    case 'timeout':
      if (state.status !== 'running' && state.status !== 'retrying') return;
      // A limit may have moved since the timer was set: a new one comes at the new moment.
      if (state.deadlineAt === undefined || decision.now < state.deadlineAt) return;
      expireNode(decision, path, node);
      advance(decision);
      return;
    case 'wait':
      if (state.status !== 'running' || state.progress?.kind !== 'wait') return;
      endWait(decision, path, state.progress);
      advance(decision);
      return;
    case 'run-timeout':
      return;
    default:
      assertNever(timer);
  }
}

/** The time of a node is up. */
function expireNode(decision: Decision, path: string, node: CompiledNode): void {
  const state = running(decision);
  if (node.kind === 'approval') expireApproval(decision, path);
  else if (state && parkedAt(state, path)) giveUpReconciling(decision, path);
  else if (!isWorker(node) || !parkIfUncertain(decision, path, node, timeoutError(node)))
    failNode(decision, path, timeoutError(node));
}

/** Whether the budget allows another attempt. Where it does not, the node has failed, or waits until the run is resumed. */
function mayTryAgain(decision: Decision, state: RunningRun, path: string, worker: CompiledWorker): boolean {
  if (affords(decision, state, path, worker)) return true;
  const after = running(decision)?.nodes.get(path);
  if (after?.status === 'retrying' && decision.overBudget === null) failNode(decision, path, after.error);
  advance(decision);
  return false;
}

function applyOutcome(decision: Decision, path: string, worker: CompiledWorker, message: OutcomeMessage): void {
  const outcome = outcomeOf(worker, message);
  if (outcome === null) return;
  if (outcome.status === 'completed') {
    const output = worker.routes === null ? outcome.output : routed(worker.routes, outcome.output);
    completeWorker(decision, path, worker, { ...outcome, output });
    advance(decision);
    return;
  }
  const state = running(decision);
  const node = state?.nodes.get(path);
  if (!state || node?.status !== 'running') return;
  const error = storableError(outcome.error);
  if (parkIfUncertain(decision, path, worker, error)) return;
  const mayRetry = state.ending === null || isCompensation(worker);
  const dueAt = mayRetry ? retryDueAt(worker.retry, node, error, decision.now, message.random) : null;
  if (dueAt === null) {
    failNode(decision, path, error);
    advance(decision);
    return;
  }
  const data = { node: path, attempt: node.attempt, error, dueAt };
  record(decision, { type: 'NodeRetryScheduled', at: decision.now, data });
}

function timeoutError(node: CompiledNode): ErrorShape {
  const message = `The node did not end within ${('timeoutMs' in node ? node.timeoutMs : null) ?? 0} ms.`;
  return new MillraceError('timeout', 'timeout', message, { retryable: false }).toShape();
}
