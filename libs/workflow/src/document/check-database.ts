/** Checks of a `database` node: its statement is written by whoever writes the graph, and by nobody else. */
import { jsonPointer } from '@millrace/contracts';
import type { Violation } from '@millrace/kernel';
import { scanText } from '../expression/scan.js';
import { nodesOfTools } from './agent-tools.js';
import type { Path } from './check-templates.js';
import { isContainer, type GraphNode } from './graph-document.js';

export function checkDatabases(nodes: readonly GraphNode[], path: Path): Violation[] {
  return nodes.flatMap((node, index): Violation[] => {
    const place = [...path, index];
    if (isContainer(node)) return checkDatabases(node.nodes, [...place, 'nodes']);
    if (node.kind === 'agent') return nodesOfTools(node, place).flatMap((tool) => flawsOf(tool.node, tool.place));
    return flawsOf(node, place);
  });
}

function flawsOf(node: GraphNode, place: Path): Violation[] {
  if (node.kind !== 'database') return [];
  return (['sql', 'source'] as const).flatMap((field) => {
    const text = node.with[field];
    if (typeof text !== 'string' || isLiteral(text)) return [];
    const message = 'This must stand as it is, without expressions: values go into `parameters`.';
    return [{ pointer: jsonPointer([...place, 'with', field]), message }];
  });
}

function isLiteral(text: string): boolean {
  const scan = scanText(text);
  return scan.ok && scan.pieces.every((piece) => typeof piece === 'string');
}
