/** Graphs inside of graphs: the nodes of another graph run in one frame, with an input of their own, as a part of the same run. */
import type { CompiledSubgraph } from '../compile/compiled-graph.js';
import type { Decision } from './decision.js';
import { completeNode, failNode } from './end.js';
import { errorOf } from './failure.js';
import { frameAt, type Location } from './location.js';
import type { Frame, RunningRun } from './state.js';
import { inputOfSubgraph } from './subgraph-input.js';
import { resolveIn } from './variables.js';

/** Unfolds a subgraph that has just been scheduled. @throws MillraceError `invalid_input`, or of an expression */
export function beginSubgraph(
  decision: Decision,
  state: RunningRun,
  { path, frame }: Location,
  subgraph: CompiledSubgraph,
): void {
  inputOfSubgraph(state, frame, subgraph, decision.meter);
  const framePath = `${path}[0]`;
  frameAt(state, framePath);
  for (const node of subgraph.body.roots) decision.agenda.push({ action: 'begin', path: `${framePath}.${node.id}` });
}

/** Every node of the subgraph has ended. */
export function finishSubgraph(
  decision: Decision,
  state: RunningRun,
  path: string,
  subgraph: CompiledSubgraph,
  frame: Frame,
): void {
  try {
    completeNode(decision, path, resolveIn(state, frame, subgraph.output, decision.meter));
  } catch (error) {
    failNode(decision, path, errorOf(error));
  }
}
