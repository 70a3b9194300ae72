import type { GraphNode } from '../document/graph-document.js';
import type { Chooser } from './compiled-graph.js';

/** Which nodes beside choose each node, by its id. */
export function choosersIn(nodes: readonly GraphNode[]): ReadonlyMap<string, Chooser[]> {
  const choosers = new Map<string, Chooser[]>();
  const add = (target: string, chooser: Chooser) => choosers.set(target, [...(choosers.get(target) ?? []), chooser]);
  for (const node of nodes) {
    const { id } = node;
    if (typeof node.onError === 'object') add(node.onError.goto, { id, by: 'failure' });
    if (node.kind === 'approval' && typeof node.onTimeout === 'object') add(node.onTimeout.goto, { id, by: 'failure' });
    if (node.kind === 'loop' && typeof node.onExhausted === 'object') add(node.onExhausted.goto, { id, by: 'failure' });
    for (const target of chosenBy(node)) add(target, { id, by: 'case' });
  }
  return choosers;
}

/** The nodes that a node chooses among by its output. */
function chosenBy(node: GraphNode): ReadonlySet<string> {
  if (node.kind === 'branch') return new Set([...node.cases.flatMap(({ then }) => then), ...node.default]);
  if (node.kind === 'router') return new Set([...node.intents.flatMap(({ then }) => then), ...node.fallback]);
  return new Set();
}
