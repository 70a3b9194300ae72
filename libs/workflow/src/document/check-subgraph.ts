/** Checks of `subgraph` nodes: that what they hold together is not too much, and that what is given fits what is taken. */
import { jsonPointer } from '@millrace/contracts';
import type { Violation } from '@millrace/kernel';
import { z } from 'zod';
import { anyType, type ValueType } from '../expression/types.js';
import { limits } from '../limits.js';
import { nodesOfTools } from './agent-tools.js';
import { checkTaken } from './check-task-input.js';
import { report, TemplateChecker, type Findings, type Path, type Scope } from './check-templates.js';
import { isContainer, type GraphDocument, type GraphNode, type SubgraphNode } from './graph-document.js';

/** A graph counts with all that it holds. What is pinned was checked by itself when it was published. */
export function checkSubgraphs(graph: GraphDocument): Violation[] {
  const found = subgraphsIn(graph.nodes, ['nodes'], 1);
  if (found.length === 0) return [];
  const deep = found.find(({ depth }) => depth > limits.subgraphDepth);
  if (deep) return [at(deep.path, `Graphs are nested deeper than ${limits.subgraphDepth} levels.`)];
  const count = nodesIn(graph.nodes);
  return count > limits.nodes
    ? [at(['nodes'], `With its subgraphs, a graph has at most ${limits.nodes} nodes, not ${count}.`)]
    : [];
}

interface Found {
  readonly path: Path;
  readonly depth: number;
}

function subgraphsIn(nodes: readonly GraphNode[], path: Path, depth: number): Found[] {
  return nodes.flatMap((node, index): Found[] => {
    const place = [...path, index];
    if (isContainer(node)) return subgraphsIn(node.nodes, [...place, 'nodes'], depth);
    if (node.kind === 'agent')
      return nodesOfTools(node, place).flatMap((tool) => foundIn(tool.node, tool.place, depth));
    return foundIn(node, place, depth);
  });
}

function foundIn(node: GraphNode, place: Path, depth: number): Found[] {
  if (node.kind !== 'subgraph') return [];
  const inside = node.pinned?.document.nodes ?? [];
  return [{ path: place, depth }, ...subgraphsIn(inside, [...place, 'pinned', 'document', 'nodes'], depth + 1)];
}

function nodesIn(nodes: readonly GraphNode[]): number {
  return nodes.reduce((sum, node) => {
    if (isContainer(node)) return sum + 1 + nodesIn(node.nodes);
    if (node.kind === 'agent') return sum + 1 + nodesIn(nodesOfTools(node, []).map((tool) => tool.node));
    return sum + 1 + (node.kind === 'subgraph' ? nodesIn(node.pinned?.document.nodes ?? []) : 0);
  }, 0);
}

/** Returns the type of the node's output. */
export function checkSubgraph(findings: Findings, node: SubgraphNode, path: Path, scope: Scope): ValueType {
  const checker = new TemplateChecker(findings, scope, [node.with]);
  const place = [...path, 'with'];
  checker.check(node.with, place);
  if (node.pinned === undefined) return anyType;
  const { name, document } = node.pinned;
  const input = z.fromJSONSchema(document.input as z.core.JSONSchema.JSONSchema);
  const taker = { name: `The graph ${name}`, input, fields: Object.keys(document.input.properties ?? {}) };
  for (const mistake of checkTaken(taker, node.with, place, checker.yields))
    report(findings, mistake.at, mistake.message);
  return anyType;
}

const at = (path: Path, message: string): Violation => ({ pointer: jsonPointer(path), message });
