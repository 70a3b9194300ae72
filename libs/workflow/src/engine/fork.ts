/**
 * Forks: a new run of the same graph version that begins at a node of another run, with what had ended before and beside that node.
 * It pays for none of that again, and the other run stays as it is.
 */
import type { ReusedEnd, RunEventOf } from '@millrace/contracts';
import { MillraceError, type JsonValue } from '@millrace/kernel';
import { isWorker, kindOf, type CompiledGraph } from '../compile/compiled-graph.js';
import type { Location } from './location.js';
import { nodesToRerun, refusalOfPlace } from './retry-run.js';
import { settle } from './settle.js';
import type { NodeState, RunningRun, RunState, RunThread } from './state.js';

/** What a new run takes from another. */
export interface Fork {
  readonly runId: string;
  /** How far the other run was, by its events. */
  readonly position: number;
  /** The node that it begins at. */
  readonly node: string;
  /** What that node gets as its input in place of its `with`. */
  readonly with?: JsonValue;
  /** What that run knew of its thread. */
  readonly thread?: Pick<RunThread, 'id' | 'version' | 'state'>;
  readonly reused: readonly ReusedNode[];
}

interface ReusedNode {
  readonly node: string;
  readonly kind: string;
  readonly end: ReusedEnd;
}

/** Why a run cannot be forked at a node, or null. `changesInput`: whether that node shall get another input. */
export function refusalOfFork(
  graph: CompiledGraph,
  state: RunState,
  from: string,
  changesInput: boolean,
): MillraceError | null {
  const misplaced = refusalOfPlace(graph, from);
  const node = graph.root.byId.get(from);
  if (misplaced !== null || node === undefined || state.status === 'new') return misplaced;
  if (changesInput && !isWorker(node)) {
    const message = `'${from}' is a ${kindOf(node)}: only a node that a worker executes takes another input.`;
    return new MillraceError('invalid', 'input_not_changeable', message);
  }
  const rerun = nodesToRerun(graph, state, [from]);
  const open = graph.root.nodes.filter(({ id, dependents }) => {
    const isMissing = rerun.has(id) || state.nodes.get(id) === undefined;
    return id !== from && isMissing && dependents.some((dependent) => dependent.id === from);
  });
  if (open.length === 0) return null;
  const names = open.map(({ id }) => `'${id}'`).join(', ');
  return new MillraceError(
    'conflict',
    'fork_not_reached',
    `The run has not come to '${from}': ${names} must end first.`,
  );
}

/** What a fork that is not refused takes along: every node of the graph itself that has ended and does not follow from the place. */
export function reusedNodes(graph: CompiledGraph, state: RunState, from: string): ReusedNode[] {
  if (state.status === 'new') return [];
  const rerun = nodesToRerun(graph, state, [from]);
  return graph.root.nodes.flatMap((node) => {
    const { id } = node;
    const ended = state.nodes.get(id);
    const end = ended === undefined || rerun.has(id) ? null : endOf(ended);
    return end === null ? [] : { node: id, kind: kindOf(node), end };
  });
}

function endOf(node: NodeState): ReusedEnd | null {
  switch (node.status) {
    case 'completed': {
      const failures = node.failures?.map(({ index, error }) => ({ index, error }));
      return { status: 'completed', output: node.output, ...(failures && { failures }) };
    }
    case 'failed': {
      const { error, goto, output } = node;
      return { status: 'failed', error, ...(goto !== undefined && { goto }), ...(output !== undefined && { output }) };
    }
    case 'skipped':
      return { status: 'skipped', reason: node.reason };
    case 'running':
    case 'retrying':
    case 'cancelled':
      return null;
  }
}

/** The fold of `NodeReused`: the node has ended, and no attempt of this run was made at it. */
export function reuse(state: RunningRun, location: Location, { at, data }: RunEventOf<'NodeReused'>): void {
  if (state.nodes.get(location.path) !== undefined) return;
  const { end } = data;
  const begun = { attempt: 0, earlierAttempts: 0, startedAt: at, deadlineAt: undefined, finishedAt: at };
  state.steps += 1;
  if (end.status === 'skipped') {
    state.nodes.set(location.path, { status: 'skipped', reason: end.reason });
    settle(state, location, true);
  } else if (end.status === 'completed') {
    state.nodes.set(location.path, { ...begun, status: 'completed', output: end.output, failures: end.failures });
    settle(state, location, false);
  } else {
    const { error, goto, output } = end;
    state.nodes.set(location.path, { ...begun, status: 'failed', error, goto, output });
    settle(state, location, goto !== undefined, goto);
  }
}
