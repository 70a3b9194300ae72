/** What a fork takes from the run that it begins at; nothing of that run changes. */
import { taskContracts, violationsOf, type forkRun, type RequestOf, type TaskKind } from '@millrace/contracts';
import { invalidInput, type JsonObject, type JsonValue, type MillraceError } from '@millrace/kernel';
import { refusalOfFork, reusedNodes, threadToRead, type Fork } from '@millrace/workflow';
import { keyText, type HotRun, type ResolvedGraph, type RunKey } from './hot-run.js';
import type { RunLoader } from './run.loader.js';

export type ForkRunRequest = RequestOf<typeof forkRun>;

export interface PreparedFork {
  readonly graph: ResolvedGraph;
  /** The run's, unless another was sent; not checked yet. */
  readonly input: JsonObject;
  readonly fork: Fork;
}

/** Why there is no such run. */
type Absence = (key: RunKey) => Promise<MillraceError>;

/**
 * Reads the other run, of the same tenant, and takes from it what a fork needs.
 * @throws MillraceError `unknown_run`, `run_removed`, `unknown_node`, `node_inside_container`, `fork_not_reached`, `input_not_changeable`,
 *   `invalid_node_input`
 */
export async function prepareFork(
  loader: RunLoader,
  key: RunKey,
  request: ForkRunRequest,
  absent: Absence,
): Promise<PreparedFork> {
  const { from, with: changed } = request;
  const parent = await loadParent(loader, key, absent);
  const graph = parent.graph.compiled;
  const refusal = refusalOfFork(graph, parent.state, from, changed !== undefined);
  if (refusal !== null) throw refusal;
  if (changed !== undefined) checkNodeInput(graph.root.byId.get(from)?.kind, changed);
  const origin = { runId: key.runId, position: parent.position, node: from };
  const thread = threadToRead(parent.state);
  const fork = { ...origin, ...(changed !== undefined && { with: changed }), ...(thread && { thread }) };
  return {
    graph: parent.graph,
    input: request.input ?? parent.origin.input,
    fork: { ...fork, reused: reusedNodes(graph, parent.state, from) },
  };
}

async function loadParent(loader: RunLoader, key: RunKey, absent: Absence): Promise<HotRun> {
  const found = (await loader.load([key], { andEnded: true })).get(keyText(key));
  if (found instanceof Error) throw found;
  if (found !== undefined && typeof found !== 'string') return found;
  throw await absent(key);
}

/** A custom worker's input is its own affair; that of every other kind has a contract. */
function checkNodeInput(kind: string | undefined, input: JsonValue): void {
  const contract = kind !== undefined && kind in taskContracts ? taskContracts[kind as TaskKind] : undefined;
  const parsed = contract?.input.safeParse(input);
  if (parsed === undefined || parsed.success) return;
  const violations = violationsOf(parsed.error).map(({ pointer, message }) => ({
    pointer: `/with${pointer}`,
    message,
  }));
  throw invalidInput('invalid_node_input', `This is no input for a node of the kind ${kind}.`, violations);
}
