/** The variables that a node's expressions see, from the state alone. */
import { MillraceError, type ErrorShape, type JsonObject, type JsonValue } from '@millrace/kernel';
import type { CompiledTemplate } from '../compile/compiled-graph.js';
import type { Variables } from '../expression/expression.js';
import type { Meter } from '../expression/meter.js';
import { resolve } from '../expression/template.js';
import { toCel } from '../expression/values.js';
import type { Frame, NodeState, RunningRun, RunThread } from './state.js';

/** What of a run expressions may see. */
export type Seen = Pick<RunningRun, 'nodes' | 'frames' | 'input' | 'runId' | 'calls' | 'thread'>;

const noThread = { id: null, version: 0n, state: {} };

/**
 * Resolves a template as seen from a frame; `own` are variables that only this template sees.
 * @throws MillraceError of the expression that fails
 */
export function resolveIn(
  state: Seen,
  frame: Frame,
  compiled: CompiledTemplate,
  meter: Meter,
  own: Variables = {},
): JsonValue {
  if (compiled.compute !== undefined) return compiled.compute(state, frame, meter);
  const { template, references } = compiled;
  if (template.kind === 'literal') return template.value;
  try {
    return resolve(template, Object.assign(variablesIn(state, frame, references), own), meter);
  } catch (error) {
    throw withHint(error, state, frame, references);
  }
}

/** Says which of the nodes that a failed expression reads have no output. */
function withHint(error: unknown, state: Seen, frame: Frame, references: readonly string[]): unknown {
  if (!(error instanceof MillraceError) || error.code !== 'expression_failed') return error;
  const hints = references.flatMap((id) => {
    const status = nodeState(state, frame, id)?.status;
    if (status !== 'skipped' && status !== 'failed') return [];
    const guard = id.includes('-') ? `nodes["${id}"].?output` : `has(nodes.${id}.output)`;
    return [` The node '${id}' ${status === 'failed' ? 'failed' : 'was skipped'}: guard it with ${guard}.`];
  });
  return hints.length === 0
    ? error
    : new MillraceError(error.kind, error.code, error.message + hints.join(''), { cause: error });
}

function variablesIn(state: Seen, frame: Frame, references: readonly string[]): Variables {
  const variables = Object.create(null) as Record<string, unknown>;
  variables['input'] = toCel(state.input);
  variables['run'] = { id: state.runId };
  variables['thread'] = state.thread === undefined ? noThread : viewOfThread(state.thread);
  const nodes = Object.create(null) as Record<string, unknown>;
  for (const id of references) nodes[id] = viewOfNode(nodeState(state, frame, id));
  // The library would take an object with this key for a foreign class; a Map reads alike.
  variables['nodes'] = 'constructor' in nodes ? new Map(Object.entries(nodes)) : nodes;
  addOwnVariables(state, frame, variables);
  return variables;
}

/** The variables of the maps and loops around a frame, the innermost last so that they win. */
function addOwnVariables(state: Seen, frame: Frame, variables: Record<string, unknown>): void {
  const { owner, input } = frame;
  if (input !== null) variables['input'] = toCel(input);
  // A subgraph sees nothing of what is around it.
  if (!owner || owner.node.kind === 'subgraph') return;
  const outer = frameAround(state, owner.path);
  if (outer) addOwnVariables(state, outer, variables);
  const container = state.nodes.get(owner.path);
  const progress = container?.status === 'running' ? container.progress : null;
  if (progress?.kind === 'map' && owner.node.kind === 'map') {
    variables[owner.node.as] = toCel(progress.items[owner.index] ?? null);
    variables['index'] = BigInt(owner.index);
  } else if (progress?.kind === 'loop') {
    variables['round'] = BigInt(owner.index);
    variables['previous'] = toCel(progress.previous);
  }
}

/** The frame in which the node of a path stands. */
function frameAround(state: Seen, path: string): Frame | undefined {
  const dot = path.lastIndexOf('.');
  return state.frames.get(dot < 0 ? '' : path.slice(0, dot));
}

/** The state of the node of an id as seen from a frame: its own frame first, then those around it. */
export function nodeState(state: Seen, frame: Frame, id: string): NodeState | undefined {
  let seen: Frame | undefined = frame;
  while (seen) {
    if (seen.scope.byId.has(id)) return state.nodes.get(seen.prefix + id);
    seen = seen.owner && seen.owner.node.kind !== 'subgraph' ? frameAround(state, seen.owner.path) : undefined;
  }
  return undefined;
}

/** What `nodes.<id>` is: the status, and the output, the error, and the failures of a map's items where there are some. */
function viewOfNode(node: NodeState | undefined): Variables {
  if (node === undefined) return { status: 'pending' };
  if (node.status === 'completed') {
    const failures = node.failures?.map(({ index, error }) => ({ index: BigInt(index), error: viewOfError(error) }));
    return { status: node.status, output: toCel(node.output), ...(failures && { failures }) };
  }
  if (node.status !== 'failed') return { status: node.status };
  const output = node.output === undefined ? {} : { output: toCel(node.output) };
  return { status: node.status, error: viewOfError(node.error), ...output };
}

const viewOfThread = ({ id, version, state }: RunThread): Variables => ({
  id,
  version: BigInt(version),
  state: toCel(state),
});

const viewOfError = ({ kind, code, message }: ErrorShape): JsonObject => ({ kind, code, message });
