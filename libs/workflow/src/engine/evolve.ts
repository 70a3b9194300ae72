/**
 * The fold: a run's state after an event. It decides nothing, so replaying a run's events gives its state again.
 *
 *   run        event                 becomes        |  node                 event                becomes
 *   new        RunStarted            running        |  (none)               NodeScheduled        running, attempt 1
 *   running    RunCompleted          completed      |  (none)               NodeSkipped          skipped
 *   running    RunFailed             failed         |  running              NodeCompleted        completed
 *   running    RunPaused             paused         |  (a run that is paused is running, and holds back what follows)
 *   paused     RunResumed            running        |
 *   running    RunMigrated           running        |  any                  RunMigrated          the same, in the other version
 *   running    RunCancelled          cancelled      |  running              NodeRetryScheduled   retrying
 *                                                   |  (none)               NodeReused           completed, failed or skipped
 *   an ended   RunRetried            running        |  any that is named    RunRetried           (none); its attempts go on counting
 *                                                   |  running, retrying    NodeFailed           failed
 *   a map or loop (running, unfolded)               |  retrying             NodeScheduled        running, attempt n + 1
 *   MapStarted            items known, none begun   |  running map          MapStarted           running, unfolded
 *   MapItemFailed         one more finished         |  running map          MapItemFailed        running; inside the item cancelled
 *   LoopRoundStarted      round n                   |  running loop         LoopRoundStarted     running, round n
 *   LoopRoundCompleted    its output is `previous`  |  running loop         LoopRoundCompleted   running
 *   running    ThreadEntered         entered        |  running wait         WaitStarted          running, waiting
 *                                                   |  running approval     ApprovalRequested    running, waiting
 *   running    RunEnding             ending         |  running worker       EffectBegun          running, claimed
 *   running    RunAdmitted           admitted       |
 *                                                   |  running worker       SlotsRequested       running, waiting
 *                                                   |  running worker       SlotsGranted         running
 *   (a run that is ending is running)               |  running worker       EffectUncertain      running, waiting
 *
 * A run that was started in a thread, or retried there, is running and waits: nothing begins before ThreadEntered. One that holds keys as
 * a whole waits likewise for RunAdmitted.
 * SignalReceived keeps the signal for a wait, SignalConsumed forgets its data. EventEmitted and ApprovalDecided change nothing:
 * NodeCompleted or NodeFailed follows.
 *
 * When the run, or a map or loop, ends, what is still running or retrying inside becomes cancelled.
 */
import type { NewRunEvent, RunEventOf, Usage } from '@millrace/contracts';
import { assertNever } from '@millrace/kernel';
import { isContainer, type CompiledGraph } from '../compile/compiled-graph.js';
import { isWaitedFor } from './compensate.js';
import { reuse } from './fork.js';
import { itemsOf } from './items.js';
import { locate, newFrame, type Location } from './location.js';
import { migrated } from './migrate-run.js';
import { retried } from './retry-run.js';
import { admitted, roomFor } from './run-slots.js';
import { settle } from './settle.js';
import type { Frame, NodeState, RetryingNode, RunningNode, RunningRun, RunState } from './state.js';
import { storedTable } from './table.js';
import { keepEffect } from './taken-effects.js';
import { enteredThread, waitingThread } from './thread.js';
import { endItem, inOrder } from './tolerate.js';

/**
 * The state after an event. A running state is CHANGED IN PLACE for speed and returned: use the returned state, and
 * not the one given. An event that does not fit the state leaves it as it is.
 */
export function evolve(graph: CompiledGraph, state: RunState, event: NewRunEvent): RunState {
  if (event.type === 'RunStarted') return state.status === 'new' ? begin(graph, event) : state;
  if (state.status === 'new') return state;
  if (event.type === 'RunRetried') return retried(graph, state, event);
  if (state.status !== 'running') return state;
  switch (event.type) {
    case 'RunCompleted':
      return { ...ended(state, event.at), status: 'completed', output: event.data.output };
    case 'RunFailed':
      return { ...ended(state, event.at), status: 'failed', error: event.data.error };
    case 'RunCancelled':
      return { ...ended(state, event.at), status: 'cancelled', reason: event.data.reason };
    case 'ThreadEntered':
      return enteredThread(state, event);
    case 'RunAdmitted':
      return admitted(state, event);
    case 'EventEmitted':
    case 'ApprovalDecided':
      return state;
    case 'RunEnding':
      state.ending = event.data;
      state.pausedAt = null;
      state.held = [];
      cancelInside(state, '', event.at);
      return state;
    case 'RunPaused':
      state.pausedAt ??= event.at;
      state.isOverBudget = event.data.overBudget === true;
      return state;
    case 'RunMigrated':
      return migrated(graph, state, event);
    case 'RunResumed':
      if (state.isOverBudget) Object.assign(state, { budgetRaises: state.budgetRaises + 1, allowedFrom: event.at });
      state.isOverBudget = false;
      state.pausedAt = null;
      state.held = [];
      return state;
    case 'SignalReceived': {
      const { id, name, data } = event.data;
      state.signals = [...state.signals, { id, name, data, receivedAt: event.at, consumed: false }];
      return state;
    }
    case 'SignalConsumed':
      state.signals = state.signals.map((signal) =>
        signal.id === event.data.id ? { ...signal, data: null, consumed: true } : signal,
      );
      return state;
    case 'NodeReused':
    case 'NodeScheduled':
    case 'NodeCompleted':
    case 'NodeRetryScheduled':
    case 'NodeFailed':
    case 'NodeSkipped':
    case 'WaitStarted':
    case 'ApprovalRequested':
    case 'SlotsRequested':
    case 'SlotsGranted':
    case 'EffectBegun':
    case 'EffectUncertain':
    case 'MapStarted':
    case 'MapItemFailed':
    case 'LoopRoundStarted':
    case 'LoopRoundCompleted': {
      const location = locate(state, event.data.node);
      if (location) evolveNode(state, location, event);
      return state;
    }
    default:
      return assertNever(event);
  }
}

function begin(graph: CompiledGraph, event: RunEventOf<'RunStarted'>): RunningRun {
  const frames = storedTable<Frame>();
  frames.set('', newFrame(graph.root, '', null));
  const { runId, graph: identity, input, correlationId, traceparent, forkedFrom, thread } = event.data;
  const usage: Usage = { promptTokens: 0, completionTokens: 0, costUsd: 0 };
  const started = { runId, graph: identity, input, correlationId, traceparent, startedAt: event.at };
  return {
    status: 'running',
    ...started,
    usage,
    signals: [],
    pausedAt: null,
    held: [],
    effects: [],
    calls: new Map(),
    ending: null,
    budgetRaises: 0,
    allowedFrom: event.at,
    isOverBudget: false,
    steps: 0,
    retries: [],
    retriedAt: null,
    earlierAttempts: new Map(),
    changedInput: forkedFrom?.with === undefined ? null : { node: forkedFrom.node, input: forkedFrom.with },
    ...(thread !== undefined && { thread: waitingThread(thread) }),
    ...roomFor(event.data.slots),
    ...(forkedFrom?.thread && { thread: { ...forkedFrom.thread, status: 'read' } }),
    nodes: storedTable(),
    frames,
  };
}

type NodeEvent = Exclude<
  Extract<NewRunEvent, { data: { node: string } }>,
  { type: 'EventEmitted' | 'SignalConsumed' | 'ApprovalDecided' }
>;

function evolveNode(state: RunningRun, location: Location, event: NodeEvent): void {
  const { nodes } = state;
  const { path } = location;
  const before = nodes.get(path);
  switch (event.type) {
    case 'NodeReused':
      reuse(state, location, event);
      break;
    case 'NodeScheduled':
      schedule(state, location, before, event);
      break;
    case 'NodeSkipped':
      if (before !== undefined) return;
      state.steps += 1;
      nodes.set(path, { status: 'skipped', reason: event.data.reason });
      settle(state, location, true);
      break;
    case 'NodeRetryScheduled':
      if (before?.status !== 'running') return;
      nodes.set(path, { ...begunOf(before), status: 'retrying', ...retryOf(event, before) });
      break;
    case 'NodeCompleted':
      if (before?.status !== 'running') return;
      nodes.set(path, {
        ...begunOf(before),
        status: 'completed',
        ...resultOf(before, event, location),
        finishedAt: event.at,
      });
      if (event.data.compensate) keepEffect(state, location, event.data.compensate, event.data.effectKey);
      if (event.data.usage) state.usage = sum(state.usage, event.data.usage);
      settle(state, location, false);
      break;
    case 'NodeFailed':
      if (before?.status !== 'running' && before?.status !== 'retrying') return;
      nodes.set(path, { ...begunOf(before), status: 'failed', ...failureOf(event), finishedAt: event.at });
      if (isContainer(location.node)) cancelInside(state, `${path}[`, event.at);
      if (event.data.goto !== undefined) settle(state, location, true, event.data.goto);
      else if (location.node.continueOnError) settle(state, location, false);
      break;
    case 'MapItemFailed':
      if (endItem(state, path, event)) cancelInside(state, `${path}[${event.data.index}].`, event.at);
      break;
    case 'SlotsRequested': {
      const { attempt, slots } = event.data;
      if (before?.status === 'running')
        nodes.set(path, { ...before, slots: { attempt, slots }, progress: { kind: 'slots' } });
      break;
    }
    case 'SlotsGranted':
      if (before?.status === 'running') nodes.set(path, { ...before, progress: null });
      break;
    case 'EffectBegun':
      if (before?.status === 'running') nodes.set(path, { ...before, claim: event.data.claim });
      break;
    case 'EffectUncertain': {
      const { error, deadlineAt } = event.data;
      if (before?.status === 'running')
        nodes.set(path, { ...before, deadlineAt, progress: { kind: 'reconciliation', error } });
      break;
    }
    case 'WaitStarted':
    case 'ApprovalRequested':
    case 'MapStarted':
    case 'LoopRoundStarted':
    case 'LoopRoundCompleted':
      if (before?.status === 'running')
        nodes.set(path, { ...before, progress: progressAfter(state, location, before, event) });
      break;
    default:
      assertNever(event);
  }
}

function schedule(
  state: RunningRun,
  location: Location,
  before: NodeState | undefined,
  event: RunEventOf<'NodeScheduled'>,
): void {
  const { attempt, deadlineAt } = event.data;
  if (before !== undefined && before.status !== 'retrying') return;
  if (before === undefined) state.steps += 1;
  const startedAt = before?.startedAt ?? event.at;
  const earlierAttempts = before?.earlierAttempts ?? attempt - 1;
  const begun = { attempt, earlierAttempts, startedAt, deadlineAt, ...(before?.slots && { slots: before.slots }) };
  state.nodes.set(location.path, { status: 'running', ...begun, progress: null });
}

type Unfolding = RunEventOf<
  'WaitStarted' | 'ApprovalRequested' | 'MapStarted' | 'LoopRoundStarted' | 'LoopRoundCompleted'
>;

function progressAfter(
  state: RunningRun,
  location: Location,
  before: RunningNode,
  event: Unfolding,
): RunningNode['progress'] {
  const { progress } = before;
  switch (event.type) {
    case 'WaitStarted':
      return { kind: 'wait', until: event.data.until, signal: event.data.signal, event: event.data.event };
    case 'ApprovalRequested':
      return { kind: 'approval', assignees: event.data.assignees };
    case 'MapStarted':
      return { kind: 'map', items: itemsOf(state, location, event), started: 0, finished: 0, failures: [] };
    case 'LoopRoundStarted':
      if (progress?.kind === 'loop') return { ...progress, round: event.data.round };
      return { kind: 'loop', round: event.data.round, previous: null, best: null };
    case 'LoopRoundCompleted': {
      if (progress?.kind !== 'loop') return progress;
      const { output, score } = event.data;
      const better = score !== undefined && (progress.best === null || score > progress.best.score);
      return { ...progress, previous: output, best: better ? { output, score } : progress.best };
    }
  }
}

const retryOf = ({ data }: RunEventOf<'NodeRetryScheduled'>, { deadlineAt }: RunningNode) => ({
  error: data.error,
  dueAt: data.dueAt,
  deadlineAt: data.deadlineAt ?? deadlineAt,
});

const resultOf = (
  { progress }: RunningNode,
  { data: { output, usage } }: RunEventOf<'NodeCompleted'>,
  { node }: Location,
) => ({
  output,
  ...('keepsUsage' in node && usage && { usage }),
  failures: progress?.kind === 'map' ? inOrder(progress.failures) : undefined,
});

const failureOf = ({ data: { error, goto, output } }: RunEventOf<'NodeFailed'>) => ({ error, goto, output });

/** Cancels what is running or retrying below a path; '' is everything. Work is spared whose effect may have to be taken back. */
function cancelInside(
  state: RunningRun,
  prefix: string,
  at: string,
  isConcerned: (path: string, node: NodeState) => boolean = (path, node) => !isWaitedFor(state, path, node),
): void {
  for (const [path, node] of [...state.nodes.entries()]) {
    if (!path.startsWith(prefix) || (node.status !== 'running' && node.status !== 'retrying')) continue;
    if (!isConcerned(path, node)) continue;
    state.nodes.set(path, { ...begunOf(node), status: 'cancelled', finishedAt: at });
  }
}

function ended(state: RunningRun, at: string) {
  cancelInside(state, '', at, () => true);
  return { ...state, finishedAt: at };
}

const begunOf = ({ attempt, earlierAttempts, startedAt, deadlineAt, slots }: RunningNode | RetryingNode) => ({
  attempt,
  earlierAttempts,
  startedAt,
  deadlineAt,
  ...(slots && { slots }),
});

const sum = (left: Usage, right: Usage): Usage => ({
  promptTokens: left.promptTokens + right.promptTokens,
  completionTokens: left.completionTokens + right.completionTokens,
  costUsd: left.costUsd + right.costUsd,
});
