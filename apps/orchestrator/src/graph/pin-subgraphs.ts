/** Writes into a graph what its subgraphs mean now, so that a run of it stays what it is whatever is published later. */
import { jsonPointer } from '@millrace/contracts';
import type { JsonObject, JsonValue, Violation } from '@millrace/kernel';
import type { GraphVersion } from './graph.store.js';

/** The version of a name, the newest where none is given; undefined where there is none. */
export type FindGraph = (name: string, version?: number) => Promise<GraphVersion | undefined>;

export type Pinned = { readonly document: JsonObject } | { readonly violations: readonly Violation[] };

/** Expects a valid document. What is pinned in it already is looked up anew: only what is published counts. */
export async function pinSubgraphs(document: JsonObject, find: FindGraph): Promise<Pinned> {
  const violations: Violation[] = [];
  const nodes = await pinNodes(document['nodes'], ['nodes'], find, violations);
  if (violations.length > 0) return { violations };
  return { document: nodes === document['nodes'] ? document : { ...document, nodes } };
}

type Path = readonly (string | number)[];

/** The same list where nothing in it is a subgraph, so that most documents are only walked. */
async function pinNodes(
  nodes: JsonValue | undefined,
  path: Path,
  find: FindGraph,
  violations: Violation[],
): Promise<JsonValue> {
  if (!Array.isArray(nodes)) return nodes ?? null;
  const pinned: JsonValue[] = [];
  for (const [index, node] of nodes.entries()) pinned.push(await pinNode(node, [...path, index], find, violations));
  return pinned.some((node, index) => node !== nodes[index]) ? pinned : nodes;
}

async function pinNode(node: JsonValue, path: Path, find: FindGraph, violations: Violation[]): Promise<JsonValue> {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return node;
  if (node['kind'] === 'subgraph') return pin(node, path, find, violations);
  if (node['kind'] === 'agent') return pinTools(node, path, find, violations);
  if (node['nodes'] === undefined) return node;
  const nodes = await pinNodes(node['nodes'], [...path, 'nodes'], find, violations);
  return nodes === node['nodes'] ? node : { ...node, nodes };
}

/** Graphs are also what an agent may call. */
async function pinTools(node: JsonObject, path: Path, find: FindGraph, violations: Violation[]): Promise<JsonObject> {
  if (node['tools'] === undefined) return node;
  const tools = await pinNodes(node['tools'], [...path, 'tools'], find, violations);
  return tools === node['tools'] ? node : { ...node, tools };
}

async function pin(node: JsonObject, path: Path, find: FindGraph, violations: Violation[]): Promise<JsonObject> {
  const reference = node['graph'] as string;
  const [name = '', version] = reference.split('@');
  const graph = await find(name, version === undefined ? undefined : Number(version));
  if (graph === undefined) {
    const pointer = jsonPointer([...path, 'graph']);
    violations.push({ pointer, message: `There is no graph ${reference}: publish it first.` });
    return node;
  }
  const { digest, document } = graph;
  return { ...node, pinned: { name, version: graph.version, digest, document } };
}
