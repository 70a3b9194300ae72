/** Which timers must be kept: follows from the state alone. A timer that fires late, twice, or for nothing changes nothing. */
import type { NewRunEvent } from '@millrace/contracts';
import type { CompiledGraph } from '../compile/compiled-graph.js';
import type { TimerKind } from './messages.js';
import type { NodeState, RunningRun, RunState } from './state.js';
import { waitsToBegin } from './run-slots.js';

export interface Timer {
  /** The node's path; '' for `run-timeout`. */
  readonly node: string;
  /** The attempt that it belongs to; for `run-timeout`, how often the run had been retried. */
  readonly attempt: number;
  readonly timer: TimerKind;
  readonly dueAt: string;
}

/** Every timer of a run. */
export function timersOf(graph: CompiledGraph, state: RunState): Timer[] {
  if (state.status !== 'running') return [];
  const timers = runTimers(graph, state);
  for (const [path, node] of state.nodes.entries()) timers.push(...nodeTimers(path, node));
  // While the run is paused no attempt begins; the time for it is kept, and may have passed when the run goes on.
  if (state.pausedAt !== null) return timers.filter(({ timer }) => timer !== 'retry');
  return timers;
}

/** The timers that new events, which the state has folded, have set. */
export function newTimersOf(graph: CompiledGraph, state: RunState, events: readonly NewRunEvent[]): Timer[] {
  if (state.status !== 'running') return [];
  return events.flatMap((event) => {
    if (beginnings.has(event.type)) return runTimers(graph, state);
    if (event.type === 'RunResumed') return timersOf(graph, state).filter(({ timer }) => timer === 'retry');
    const set = timerSetBy(event);
    const node = set && state.nodes.get(set.node);
    if (!node || (set.timer === 'retry' && state.pausedAt !== null)) return [];
    return nodeTimers(set.node, node).filter(({ timer }) => timer === set.timer);
  });
}

/** From where the time of a run counts. */
const beginnings: ReadonlySet<NewRunEvent['type']> = new Set([
  ...(['RunStarted', 'ThreadEntered', 'RunAdmitted', 'RunRetried', 'RunMigrated'] as const),
]);

/** The timer that an event may set. */
function timerSetBy(event: NewRunEvent): { readonly node: string; readonly timer: TimerKind } | null {
  if (event.type === 'NodeScheduled' || event.type === 'EffectUncertain')
    return { node: event.data.node, timer: 'timeout' };
  if (event.type === 'NodeRetryScheduled') return { node: event.data.node, timer: 'retry' };
  return event.type === 'WaitStarted' ? { node: event.data.node, timer: 'wait' } : null;
}

function runTimers({ timeoutMs }: CompiledGraph, state: RunningRun): Timer[] {
  if (timeoutMs === null || state.ending !== null || waitsToBegin(state)) return [];
  const dueAt = new Date(Date.parse(state.retriedAt ?? state.startedAt) + timeoutMs).toISOString();
  return [{ node: '', attempt: state.retries.length, timer: 'run-timeout', dueAt }];
}

function nodeTimers(path: string, node: NodeState): Timer[] {
  if (node.status !== 'running' && node.status !== 'retrying') return [];
  const { attempt, deadlineAt } = node;
  const timers: Timer[] = [];
  if (node.status === 'retrying') timers.push({ node: path, attempt, timer: 'retry', dueAt: node.dueAt });
  const until = node.status === 'running' && node.progress?.kind === 'wait' ? node.progress.until : undefined;
  if (until !== undefined) timers.push({ node: path, attempt, timer: 'wait', dueAt: until });
  if (deadlineAt !== undefined) timers.push({ node: path, attempt, timer: 'timeout', dueAt: deadlineAt });
  return timers;
}
