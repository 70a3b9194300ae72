/** Checks of the graph as a graph: ids, needs, cycles, bounds. */
import { jsonPointer } from '@millrace/contracts';
import type { Violation } from '@millrace/kernel';
import { limits } from '../limits.js';
import { checkTargets } from './check-targets.js';
import { isContainer, type GraphDocument, type GraphNode } from './graph-document.js';
import { suggester } from './suggestion.js';

type Path = readonly (string | number)[];

/** Nodes side by side, with the path of their list in the document. */
interface Scope {
  readonly nodes: readonly GraphNode[];
  readonly path: Path;
  readonly depth: number;
}

export function checkStructure(graph: GraphDocument): Violation[] {
  const scopes = scopesOf(graph);
  const count = scopes.reduce((sum, { nodes }) => sum + nodes.length, 0);
  if (count > limits.nodes) return [tooManyNodes(count)];
  return [
    ...scopes.filter(({ depth }) => depth > limits.containerDepth).map(tooDeep),
    ...duplicateIds(scopes),
    ...scopes.flatMap((scope) => [
      ...needsOfNothing(scope, scopes),
      ...cycleIn(scope),
      ...checkTargets(scope.nodes, scope.path),
    ]),
  ];
}

export const tooManyNodes = (count: number): Violation =>
  at(['nodes'], `A graph has at most ${limits.nodes} nodes, not ${count}.`);

const tooDeep = ({ path }: Scope): Violation =>
  at(path, `Maps and loops are nested deeper than ${limits.containerDepth} levels.`);

function scopesOf(graph: GraphDocument): Scope[] {
  const scopes: Scope[] = [{ nodes: graph.nodes, path: ['nodes'], depth: 0 }];
  for (const { nodes, path, depth } of scopes) {
    nodes.forEach((node, index) => {
      if (isContainer(node)) scopes.push({ nodes: node.nodes, path: [...path, index, 'nodes'], depth: depth + 1 });
    });
  }
  return scopes;
}

function duplicateIds(scopes: readonly Scope[]): Violation[] {
  const first = new Map<string, Path>();
  return scopes.flatMap(({ nodes, path }) =>
    nodes.flatMap(({ id }, index) => {
      const place = [...path, index, 'id'];
      const earlier = first.get(id);
      if (earlier) return [at(place, `The id '${id}' is taken by the node at ${jsonPointer(earlier.slice(0, -1))}.`)];
      first.set(id, place);
      return [];
    }),
  );
}

function needsOfNothing({ nodes, path }: Scope, scopes: readonly Scope[]): Violation[] {
  const ids = nodes.map(({ id }) => id);
  const known = new Set(ids);
  const suggestion = suggester(ids);
  const anywhere = new Set(scopes.flatMap((scope) => scope.nodes.map(({ id }) => id)));
  return nodes.flatMap((node, index) =>
    node.needs.flatMap((need, position) => {
      const place = [...path, index, 'needs', position];
      if (need === node.id) return [at(place, `The node '${need}' needs itself.`)];
      if (known.has(need)) return [];
      if (anywhere.has(need))
        return [at(place, `The node '${need}' is not beside this one: needs name nodes of the same list.`)];
      return [at(place, `There is no node '${need}'.${suggestion(need)}`)];
    }),
  );
}

/** The first cycle among the nodes of a scope, by its members. */
function cycleIn({ nodes, path }: Scope): Violation[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const left = withoutOrder(nodes);
  const start = left.values().next().value;
  if (start === undefined) return [];
  const trail: string[] = [];
  let id: string | undefined = start;
  while (id !== undefined && !trail.includes(id)) {
    trail.push(id);
    id = byId.get(id)?.needs.find((need) => left.has(need));
  }
  if (id === undefined) return [];
  const cycle = [...trail.slice(trail.indexOf(id)), id];
  const index = nodes.findIndex((node) => node.id === id);
  if (cycle.length === 2) return [];
  return [at([...path, index, 'needs'], `The nodes need each other in a cycle: ${cycle.toReversed().join(' -> ')}.`)];
}

/** The nodes that no order can begin: those in cycles, and those behind them. */
function withoutOrder(nodes: readonly GraphNode[]): Set<string> {
  const left = new Set(nodes.map(({ id }) => id));
  const ordered = topologicalOrder(nodes);
  for (const { id } of ordered) left.delete(id);
  return left;
}

/** The nodes in an order in which each comes after what it needs; without those in cycles. */
export function topologicalOrder(nodes: readonly GraphNode[]): GraphNode[] {
  const known = new Set(nodes.map(({ id }) => id));
  const waiting = new Map<string, number>();
  const dependents = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    const needs = [...new Set(node.needs)].filter((need) => known.has(need));
    waiting.set(node.id, needs.length);
    for (const need of needs) dependents.set(need, [...(dependents.get(need) ?? []), node]);
  }
  const order = nodes.filter(({ id }) => waiting.get(id) === 0);
  for (const { id } of order) {
    for (const dependent of dependents.get(id) ?? []) {
      const left = (waiting.get(dependent.id) ?? 0) - 1;
      waiting.set(dependent.id, left);
      if (left === 0) order.push(dependent);
    }
  }
  return order;
}

const at = (path: Path, message: string): Violation => ({ pointer: jsonPointer(path), message });
