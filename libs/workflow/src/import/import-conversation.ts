/**
 * Makes a graph document of a conversation graph in the form of the Arklex framework: intents become routers, resources workers,
 * and what is only said a transform. A run is one turn of the conversation.
 */
import type { JsonObject, JsonValue, Violation } from '@millrace/kernel';
import { validateGraph } from '../document/validate.js';
import { readConversation, type ConversationEdge, type ConversationNode } from './conversation-file.js';
import { Names } from './names.js';
import { withoutCycles, type Walk } from './without-cycles.js';

export type ImportedGraph =
  | { readonly document: JsonObject; readonly warnings: readonly string[] }
  | { readonly violations: readonly Violation[] };

/** What says its value as it stands. Anything else is done by a worker of that name. */
const speaking: ReadonlySet<string> = new Set(['', 'messageworker', 'message-worker', 'message', 'start', 'planner']);
const answerId = 'answer';
const message = '${{ input.message }}';

/** Never throws. `name` becomes the name of the graph. */
export function importConversation(file: unknown, name: string): ImportedGraph {
  const read = readConversation(file);
  if ('violations' in read) return read;
  const walk = withoutCycles(read.conversation);
  const names = new Names([answerId]);
  for (const { id } of walk.nodes) names.take(id, `step-${id}`);
  const nodes = walk.nodes.flatMap((node) => nodesOf(node, walk, names));
  const document: JsonObject = {
    ...{
      apiVersion: 'millrace/v1',
      kind: 'Graph',
      metadata: { name, description: 'Imported from a conversation graph.' },
    },
    input: { type: 'object', required: ['message'], properties: { message: { type: 'string', minLength: 1 } } },
    nodes: [
      ...nodes,
      { id: answerId, kind: 'combine', mode: 'list', needs: lastOf(walk).map(({ id }) => names.of(id)) },
    ],
    output: { answers: `\${{ nodes.${answerId}.output }}` },
  };
  const validation = validateGraph(document);
  return 'violations' in validation ? validation : { document, warnings: warningsOf(walk) };
}

const lastOf = ({ nodes, edges }: Walk): ConversationNode[] => {
  const leaving = new Set(edges.map(({ from }) => from));
  return nodes.filter(({ id }) => !leaving.has(id));
};

const routerOf = (names: Names, id: string): string => names.take(`router of ${id}`, `${names.of(id)}-intent`);

/** The node itself, and the router behind it where intents leave it. */
function nodesOf(node: ConversationNode, walk: Walk, names: Names): JsonObject[] {
  const id = names.of(node.id);
  const coming = walk.edges.filter(({ to }) => to === node.id);
  const needs = [
    ...new Set(coming.map(({ from, intent }) => (intent === null ? names.of(from) : routerOf(names, from)))),
  ];
  const step = { id, needs, ...whatItDoes(node, names) };
  const intents = walk.edges.filter(({ from, intent }) => from === node.id && intent !== null);
  if (intents.length === 0) return [step];
  const router = {
    ...{ id: routerOf(names, node.id), kind: 'router', needs: [id], with: { text: message } },
    intents: intentsOf(intents, names),
  };
  return [step, router];
}

function whatItDoes({ resource, value, task }: ConversationNode, names: Names): JsonObject {
  if (speaking.has(resource.toLowerCase().replaceAll(/\s/g, '')))
    return { kind: 'transform', output: literal(value || task) };
  const worker = names.take(`worker ${resource}`, resource);
  return {
    ...{ kind: 'worker', worker, timeout: { total: '1m' } },
    with: { message, task: literal(task), value: literal(value) },
  };
}

/** Edges of the same intent are one, and the heavier come first. */
function intentsOf(edges: readonly ConversationEdge[], names: Names): JsonValue {
  const own = new Names([]);
  const sorted = edges.toSorted((left, right) => right.weight - left.weight);
  return [...Map.groupBy(sorted, ({ intent }) => intent ?? '')].map(([intent, same]) => ({
    name: own.take(intent, intent),
    description: [intent, ...new Set(same.map(({ description }) => description))]
      .filter((text) => text !== '')
      .join('. ')
      .slice(0, 1_000),
    examples: [...new Set(same.flatMap(({ examples }) => examples.map((example) => example.slice(0, 500))))].slice(
      0,
      50,
    ),
    then: [...new Set(same.map(({ to }) => names.of(to)))],
  }));
}

/** What a file says is text, whatever it looks like. */
const literal = (text: string): string => text.replaceAll('${{', () => '$${{');

function warningsOf({ edges, leftOut, unreachable }: Walk): string[] {
  const ways = leftOut.map(({ from, to }) => `The way from '${from}' back to '${to}' is left out: a run is one turn.`);
  const lost = unreachable.map(({ id }) => `The node '${id}' is left out: nothing leads to it.`);
  const mixed = [...Map.groupBy(edges, ({ to }) => to)].flatMap(([to, coming]) => {
    const chosen = coming.filter(({ intent }) => intent !== null).length;
    return chosen > 0 && chosen < coming.length
      ? [`The node '${to}' runs only where an intent leads to it, though other ways do, too.`]
      : [];
  });
  return [...ways, ...lost, ...mixed];
}
