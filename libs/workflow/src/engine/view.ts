/** A run as its readers see it. */
import type { GraphIdentity, Run, Step, Usage } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { isContainer, kindOf, type CompiledGraph, type CompiledScope } from '../compile/compiled-graph.js';
import type { CompletedRun, NodeState, RunningRun, RunState } from './state.js';
import { callOf } from './taken-effects.js';
import { waitsToBegin } from './run-slots.js';

/** What a read model keeps of a run. */
export interface RunView {
  readonly graph: GraphIdentity | null;
  readonly status: Run['status'];
  readonly input: JsonObject;
  readonly output: JsonValue | null;
  readonly error: Run['error'];
  readonly usage: Usage;
  /** In the document's order; map items and loop rounds follow their map or loop, with the nodes that have begun. */
  readonly steps: Step[];
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export function viewOf(graph: CompiledGraph, state: RunState): RunView {
  if (state.status === 'new') return viewOfNew(graph);
  return {
    graph: state.graph,
    status: statusOf(state),
    input: state.input,
    output: state.status === 'completed' ? state.output : null,
    error: errorOf(state),
    usage: state.usage,
    steps: stepsOf(graph.root, '', state.nodes, undoneSteps(state)),
    startedAt: waitsToBegin(state) && state.retries.length === 0 ? null : state.startedAt,
    finishedAt: 'finishedAt' in state ? state.finishedAt : null,
  };
}

function statusOf(state: Exclude<RunState, { status: 'new' }>): Run['status'] {
  if (state.status !== 'running') return state.status;
  if (state.pausedAt !== null) return 'paused';
  return waitsToBegin(state) ? 'queued' : 'running';
}

function viewOfNew(graph: CompiledGraph): RunView {
  const usage = { promptTokens: 0, completionTokens: 0, costUsd: 0 };
  const steps = graph.root.nodes.map((node) => stepOf(node.id, kindOf(node), undefined));
  const times = { startedAt: null, finishedAt: null };
  return { graph: null, status: 'queued', input: {}, output: null, error: null, usage, steps, ...times };
}

function errorOf(state: Exclude<RunState, { status: 'new' }>): Run['error'] {
  if (state.status === 'failed') return state.error;
  return state.status === 'cancelled' ? { code: 'cancelled', message: state.reason } : null;
}

type Nodes = (RunningRun | CompletedRun)['nodes'];

/** The calls that have begun to take effects back, by the node that had these. */
type Undone = ReadonlyMap<string, readonly Step[]>;

function undoneSteps({ effects, nodes }: Exclude<RunState, { status: 'new' }>): Undone {
  const undone = new Map<string, Step[]>();
  for (const effect of effects) {
    const call = callOf(effect);
    const state = nodes.get(call);
    if (state !== undefined) undone.set(effect.node, [...(undone.get(effect.node) ?? []), stepOf(call, 'tool', state)]);
  }
  return undone;
}

/** What of a container was taken back that a retry had let begin anew, and that has not begun. */
const undoneBefore = (path: string, nodes: Nodes, undone: Undone): Step[] =>
  [...undone].flatMap(([node, steps]) =>
    node.startsWith(`${path}[`) && nodes.get(node) === undefined ? [...steps] : [],
  );

function stepsOf(scope: CompiledScope, prefix: string, nodes: Nodes, undone: Undone): Step[] {
  return scope.nodes.flatMap((node) => {
    const path = prefix + node.id;
    const state = nodes.get(path);
    if (prefix !== '' && state === undefined) return [];
    const step = stepOf(path, kindOf(node), state);
    if (!isContainer(node)) return [step, ...(undone.get(path) ?? [])];
    const before = prefix === '' && undone.size > 0 ? undoneBefore(path, nodes, undone) : [];
    return [step, ...stepsInside(node.body, path, nodes, undone), ...before];
  });
}

function stepsInside(body: CompiledScope, path: string, nodes: Nodes, undone: Undone): Step[] {
  const steps: Step[] = [];
  for (let index = 0; ; index += 1) {
    const inside = stepsOf(body, `${path}[${index}].`, nodes, undone);
    if (inside.length === 0) return steps;
    steps.push(...inside);
  }
}

function stepOf(path: string, kind: string, state: NodeState | undefined): Step {
  if (state === undefined) return { node: path, kind, status: 'pending', attempts: 0, durationMs: null };
  if (state.status === 'skipped') return { node: path, kind, status: 'skipped', attempts: 0, durationMs: null };
  const durationMs =
    'finishedAt' in state ? Math.max(0, Date.parse(state.finishedAt) - Date.parse(state.startedAt)) : null;
  const progress = state.status === 'running' ? state.progress?.kind : undefined;
  const isWaiting = progress === 'wait' || progress === 'approval' || progress === 'slots';
  const asked = progress === 'reconciliation' ? 'needs_reconciliation' : state.status;
  return { node: path, kind, status: isWaiting ? 'waiting' : asked, attempts: state.attempt, durationMs };
}
