/**
 * Retrying a run that has ended: it goes on from a node, which runs again with everything after it. What had not ended, or had failed,
 * runs again too, for the run could not end without it. Everything else is kept as it is.
 */
import type { RunEventOf } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { isCompensation, type CompiledGraph, type CompiledNode } from '../compile/compiled-graph.js';
import { suggestion } from '../document/suggestion.js';
import { limits } from '../limits.js';
import { newFrame } from './location.js';
import type { RunMessage } from './messages.js';
import { keysOfEffects } from './effect.js';
import { roomFor } from './run-slots.js';
import { settle } from './settle.js';
import type { NodeState, RunningRun, RunState } from './state.js';
import { withKeys } from './taken-effects.js';
import { threadAgain } from './thread.js';

type BegunRun = Exclude<RunState, { status: 'new' }>;
type RetryMessage = Extract<RunMessage, { type: 'retry' }>;

/** Why a retry is refused, or null; one that was taken before is not refused. */
export function refusalOfRetry(
  graph: CompiledGraph,
  state: BegunRun,
  { id, from }: RetryMessage,
): MillraceError | null {
  if (state.retries.includes(id)) return null;
  if (state.status === 'running')
    return new MillraceError('conflict', 'run_not_ended', 'The run goes on. Cancel it first, or wait for its end.');
  if (state.ending !== null)
    return new MillraceError(
      'conflict',
      'effects_taken_back',
      'What the run did is taken back. Start it anew, or fork it.',
    );
  if (state.retries.length >= limits.retries)
    return new MillraceError('conflict', 'too_many_retries', `A run is retried at most ${limits.retries} times.`);
  if (from !== undefined) return refusalOfPlace(graph, from);
  if (unfinishedNodes(graph, state).length > 0) return null;
  const message = 'Every node of the run ended well. Say from which one it is to run again.';
  return new MillraceError('conflict', 'nothing_to_retry', message);
}

/** Why a run cannot go on from a place in its graph, or null. */
export function refusalOfPlace({ root }: CompiledGraph, path: string): MillraceError | null {
  const node = root.byId.get(path);
  if (node !== undefined && !isCompensation(node)) return null;
  const outer = rootOf(path);
  if (outer !== path && root.byId.has(outer)) {
    const message = `'${path}' runs inside of '${outer}', which runs again as a whole: say '${outer}'.`;
    return new MillraceError('invalid', 'node_inside_container', message);
  }
  const hint = suggestion(
    path,
    root.nodes.map(({ id }) => id),
  );
  return new MillraceError('not-found', 'unknown_node', `The graph has no node '${path}'.${hint}`);
}

/** What a retry that is not refused makes happen; what becomes ready by it begins afterwards. */
export function runRetried(graph: CompiledGraph, state: BegunRun, message: RetryMessage): RunEventOf<'RunRetried'> {
  const { id, from, now } = message;
  const asked = from === undefined ? unfinishedNodes(graph, state).map((node) => node.id) : [from];
  const effectKeys = keysOfEffects(state);
  const data = { id, from: asked, nodes: [...nodesToRerun(graph, state, asked)] };
  return { type: 'RunRetried', at: now, data: { ...data, ...(effectKeys.length > 0 && { effectKeys }) } };
}

/** The nodes of the graph itself that have to run again: those asked for, those that did not end well, and what follows from them. */
export function nodesToRerun(graph: CompiledGraph, state: BegunRun, asked: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [...unfinishedNodes(graph, state), ...asked.flatMap((id) => graph.root.byId.get(id) ?? [])];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (found.has(node.id)) continue;
    found.add(node.id);
    open.push(...node.dependents);
  }
  return found;
}

/** The nodes that began and did not end in a way that the run could go on from. */
const unfinishedNodes = ({ root }: CompiledGraph, { nodes }: BegunRun): CompiledNode[] =>
  root.nodes.filter((node) => {
    const state = nodes.get(node.id);
    return state !== undefined && !isSettled(node, state);
  });

/** Whether what follows from a node may begin. */
function isSettled({ continueOnError }: CompiledNode, state: NodeState): boolean {
  if (state.status === 'failed') return continueOnError || state.goto !== undefined;
  return state.status === 'completed' || state.status === 'skipped';
}

/** The node of the graph itself that a path leads through. */
const rootOf = (path: string): string => path.split('[', 1)[0] ?? path;

/** The fold of `RunRetried`. A run that goes on stays as it is. */
export function retried(graph: CompiledGraph, state: BegunRun, { at, data }: RunEventOf<'RunRetried'>): RunState {
  if (state.status === 'running') return state;
  const { runId, graph: identity, input, correlationId, traceparent, startedAt, usage, signals, nodes, frames } = state;
  const { changedInput } = state;
  const running: RunningRun = {
    status: 'running',
    ...{ runId, graph: identity, input, correlationId, traceparent, startedAt, usage, signals, nodes, frames },
    changedInput,
    ...threadAgain(state.thread),
    ...roomFor(state.room?.slots),
    pausedAt: null,
    held: [],
    effects: withKeys(state.effects, data.effectKeys),
    calls: state.calls,
    ending: null,
    budgetRaises: state.budgetRaises + 1,
    allowedFrom: at,
    isOverBudget: false,
    steps: 0,
    retries: [...state.retries, data.id],
    retriedAt: at,
    earlierAttempts: forget(state, new Set(data.nodes)),
  };
  running.steps = [...running.nodes.entries()].length;
  settleAgain(graph, running);
  return running;
}

/** Takes nodes, and what ran inside of them, out of the state, and gives the attempts that they had. */
function forget({ nodes, frames, earlierAttempts }: BegunRun, ids: ReadonlySet<string>): ReadonlyMap<string, number> {
  const attempts = new Map(earlierAttempts);
  for (const [path, node] of [...nodes.entries()]) {
    if (!ids.has(rootOf(path))) continue;
    if ('attempt' in node) attempts.set(path, node.attempt);
    nodes.delete(path);
  }
  for (const [path] of [...frames.entries()]) if (path !== '' && ids.has(rootOf(path))) frames.delete(path);
  return attempts;
}

/** Counts anew what each node of the graph itself waits for. */
export function settleAgain(graph: CompiledGraph, state: RunningRun): void {
  const frame = newFrame(graph.root, '', null);
  state.frames.set('', frame);
  for (const node of graph.root.nodes) {
    const ended = state.nodes.get(node.id);
    if (ended === undefined || ended.status === 'running' || ended.status === 'retrying') continue;
    const isSkipped = ended.status === 'skipped' || (ended.status === 'failed' && ended.goto !== undefined);
    const goto = ended.status === 'failed' ? ended.goto : undefined;
    settle(state, { path: node.id, framePath: '', frame, node }, isSkipped, goto);
  }
}
