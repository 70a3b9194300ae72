/** Checks of a budget: that it limits something, and that each node fits into it. */
import { jsonPointer } from '@millrace/contracts';
import type { Violation } from '@millrace/kernel';
import { nodesOfTools } from './agent-tools.js';
import type { Path } from './check-templates.js';
import { isContainer, isWorkerNode, type GraphDocument, type GraphNode } from './graph-document.js';

export function checkBudget({ budget, nodes }: GraphDocument): Violation[] {
  if (budget === undefined) return [];
  const { usd, wallClock } = budget;
  if (usd === undefined && wallClock === undefined)
    return [{ pointer: '/budget', message: 'A budget states at least one of `usd` and `wallClock`.' }];
  return usd === undefined ? [] : tooDear(nodes, ['nodes'], usd);
}

function tooDear(nodes: readonly GraphNode[], path: Path, usd: number): Violation[] {
  return nodes.flatMap((node, index) => {
    const place = [...path, index];
    if (isContainer(node)) return tooDear(node.nodes, [...place, 'nodes'], usd);
    if (node.kind === 'agent') return nodesOfTools(node, place).flatMap((tool) => dearNode(tool.node, tool.place, usd));
    return dearNode(node, place, usd);
  });
}

function dearNode(node: GraphNode, place: Path, usd: number): Violation[] {
  if (!isWorkerNode(node) || (node.estimate?.usd ?? 0) <= usd) return [];
  const message = `The run's budget is ${usd} dollars: this node would never begin.`;
  return [{ pointer: jsonPointer([...place, 'estimate', 'usd']), message }];
}
