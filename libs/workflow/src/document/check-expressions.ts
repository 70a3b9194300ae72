/** Checks every expression of a graph where it stands, and the inputs of tasks against their contracts. */
import { taskContracts } from '@millrace/contracts';
import type { JsonValue, Violation } from '@millrace/kernel';
import {
  anyType,
  integerType,
  listOf,
  objectOfTypes,
  stringType,
  typeOfSchema,
  typeOfZod,
  type ValueType,
} from '../expression/types.js';
import { limits } from '../limits.js';
import { topologicalOrder } from './check-structure.js';
import { agentInputFields, agentInputSchema } from './agent-fields.js';
import { declaredTools, nodeOfTool } from './agent-tools.js';
import { checkGraphTool, scopeOfTool } from './check-agent-tools.js';
import { checkAgentFields, outputOfAgent } from './check-agent.js';
import { checkTaken, checkTaskInput } from './check-task-input.js';
import {
  isFull,
  isVariableName,
  newFindings,
  report,
  TemplateChecker,
  type Findings,
  type Path,
  type Scope,
} from './check-templates.js';
import {
  isContainer,
  isWorkerNode,
  type AgentNode,
  type BranchNode,
  type CombineNode,
  type GraphDocument,
  type GraphNode,
  type LoopNode,
  type MapNode,
  type WorkerNode,
} from './graph-document.js';
import { lookAlikeIn } from './look-alike.js';
import { suggestion } from './suggestion.js';
import { checkApproval } from './check-approval.js';
import { checkEffect } from './check-effect.js';
import { checkSubgraph } from './check-subgraph.js';
import { checkThreadPatch } from './thread-policy.js';
import { checkWait } from './check-wait.js';

/** What is known while a graph is walked. */
interface Walk {
  readonly findings: Findings;
  /** By id: what the nodes seen so far yield. */
  readonly outputs: Map<string, ValueType>;
  /** By id: the map or loop that each node of the graph is inside of. */
  readonly owners: ReadonlyMap<string, string | null>;
}

/** Expects a graph of sound structure: `checkStructure` found nothing. */
export function checkExpressions(graph: GraphDocument): Violation[] {
  const { findings } = walkThrough(graph);
  if (findings.expressions > limits.expressions) {
    report(findings, [], `A graph holds at most ${limits.expressions} expressions.`);
  }
  return findings.violations;
}

/** By id: what the nodes of a valid graph yield. */
export const outputTypesOf = (graph: GraphDocument): ReadonlyMap<string, ValueType> => walkThrough(graph).outputs;

function walkThrough(graph: GraphDocument): Walk {
  const walk: Walk = { findings: newFindings(), outputs: new Map(), owners: ownersOf(graph.nodes, null) };
  const variables = {
    input: typeOfSchema(graph.input),
    run: objectOfTypes([['id', stringType]]),
    thread: threadType,
  };
  checkConcurrency(walk, graph, [], { variables: { input: variables.input, run: variables.run }, node: nothingEnded });
  const all = checkNodes(walk, graph.nodes, ['nodes'], variables, () => false);
  if (graph.output !== undefined)
    checkerFor(walk, { variables, ...all }, [graph.output]).check(graph.output, ['output']);
  if (graph.thread?.state !== undefined) {
    const path = ['thread', 'state'];
    const type = checkerFor(walk, { variables, ...all }, [graph.thread.state]).check(graph.thread.state, path);
    const mistake = checkThreadPatch(type);
    if (mistake !== null) report(walk.findings, path, mistake);
  }
  return walk;
}

/** Before a run begins. */
const nothingEnded: Scope['node'] = () => ({ refused: 'This is asked before any node begins: read `input` or `run`.' });

/** `thread.id` is null for a run in no thread. */
const threadType = objectOfTypes([
  ['id', anyType],
  ['version', integerType],
  ['state', anyType],
]);

function ownersOf(nodes: readonly GraphNode[], owner: string | null): Map<string, string | null> {
  const inner = nodes.flatMap((node) => (isContainer(node) ? [...ownersOf(node.nodes, node.id)] : []));
  return new Map([...nodes.map(({ id }): [string, string | null] => [id, owner]), ...inner]);
}

type Variables = Scope['variables'];
type Sees = (id: string) => boolean;
type Seen = Pick<Scope, 'node'>;

const checkerFor = (walk: Walk, scope: Scope, templates: readonly (JsonValue | undefined)[]): TemplateChecker =>
  new TemplateChecker(walk.findings, scope, templates);

/** Checks nodes side by side; what those around them see, they see too. Returns the sight of all of them together. */
function checkNodes(
  walk: Walk,
  nodes: readonly GraphNode[],
  path: Path,
  variables: Variables,
  outside: Sees,
): Seen & { sees: Sees } {
  const ancestors = ancestorsOf(nodes);
  const places = new Map(nodes.map((node, index) => [node.id, index]));
  for (const node of topologicalOrder(nodes)) {
    const index = places.get(node.id) ?? 0;
    const sees: Sees = (id) => outside(id) || isAncestor(ancestors, places, node.id, id);
    const scope = { variables, node: sightOf(walk, sees, `'${node.id}'`) };
    walk.outputs.set(node.id, checkNode(walk, node, [...path, index], scope, sees));
  }
  const sees: Sees = (id) => outside(id) || places.has(id);
  return { sees, node: sightOf(walk, sees, 'this place') };
}

/** By id: the nodes that must have ended before, as bits at their places in the list. */
function ancestorsOf(nodes: readonly GraphNode[]): Map<string, bigint> {
  const bits = new Map(nodes.map((node, index) => [node.id, 1n << BigInt(index)]));
  const ancestors = new Map<string, bigint>();
  for (const { id, needs } of topologicalOrder(nodes)) {
    ancestors.set(
      id,
      needs.reduce((all, need) => all | (ancestors.get(need) ?? 0n) | (bits.get(need) ?? 0n), 0n),
    );
  }
  return ancestors;
}

function isAncestor(ancestors: Map<string, bigint>, places: Map<string, number>, of: string, id: string): boolean {
  const place = places.get(id);
  return place !== undefined && (((ancestors.get(of) ?? 0n) >> BigInt(place)) & 1n) === 1n;
}

function sightOf(walk: Walk, sees: Sees, reader: string): Scope['node'] {
  return (id) => {
    if (sees(id)) return typeOfNode(walk.outputs.get(id) ?? anyType);
    const owner = walk.owners.get(id);
    if (owner === undefined) {
      const hint = isFull(walk.findings) ? '' : suggestion(id, [...walk.owners.keys()]);
      return { refused: `There is no node '${id}'.${hint}${lookAlikeIn(id)}` };
    }
    if (owner !== null && walk.outputs.has(owner))
      return { refused: `The node '${id}' is inside of '${owner}': read nodes.${owner}.output.` };
    return { refused: `The node '${id}' does not end before ${reader}: add it to \`needs\`.` };
  };
}

const errorType = objectOfTypes([
  ['kind', stringType],
  ['code', stringType],
  ['message', stringType],
]);
const typeOfNode = (output: ValueType): ValueType =>
  objectOfTypes([
    ['status', stringType],
    ['output', output],
    ['error', errorType],
    [
      'failures',
      listOf(
        objectOfTypes([
          ['index', integerType],
          ['error', errorType],
        ]),
      ),
    ],
  ]);

/** Checks a node and returns the type of its output. */
function checkNode(walk: Walk, node: GraphNode, path: Path, scope: Scope, sees: Sees): ValueType {
  if (node.when !== undefined) checkerFor(walk, scope, [node.when]).expect(node.when, [...path, 'when'], 'boolean');
  if (isWorkerNode(node)) return checkWorker(walk, node, path, scope);
  switch (node.kind) {
    case 'transform':
      return checkerFor(walk, scope, [node.output]).check(node.output, [...path, 'output']);
    case 'emit':
      return checkerFor(walk, scope, [node.with]).check(node.with, [...path, 'with']);
    case 'combine':
      return checkCombine(walk, node, path, scope);
    case 'branch':
      return checkBranch(walk, node, path, scope);
    case 'approval':
      return checkApproval(walk.findings, node, path, scope);
    case 'subgraph':
      return checkSubgraph(walk.findings, node, path, scope);
    case 'agent':
      return checkAgent(walk, node, path, scope);
    case 'wait':
      return checkWait(walk.findings, node, path, scope);
    case 'map':
      return checkMap(walk, node, path, scope, sees);
    case 'loop':
      return checkLoop(walk, node, path, scope, sees);
  }
}

function checkWorker(walk: Walk, node: WorkerNode, path: Path, scope: Scope): ValueType {
  const checker = checkerFor(walk, scope, [node.with]);
  checker.check(node.with, [...path, 'with']);
  for (const { at, message } of checkTaskInput(node, [...path, 'with'], checker.yields))
    report(walk.findings, at, message);
  checkConcurrency(walk, node, path, scope);
  checkCache(walk, node, path, scope);
  const output = typeOfZod(taskContracts[node.kind].output);
  checkEffect(walk.findings, node, path, scope, output);
  if (node.kind !== 'router' || output.kind !== 'object') return output;
  return objectOfTypes([...output.fields, ['chosen', listOf(stringType)]]);
}

function checkAgent(walk: Walk, node: AgentNode, path: Path, scope: Scope): ValueType {
  const checker = checkerFor(walk, scope, [node.with]);
  checker.check(node.with, [...path, 'with']);
  const taker = { name: 'The agent', input: agentInputSchema, fields: agentInputFields };
  for (const { at, message } of checkTaken(taker, node.with, [...path, 'with'], checker.yields))
    report(walk.findings, at, message);
  checkAgentFields(walk.findings, node, path);
  for (const { tool, index } of declaredTools(node)) {
    const place = [...path, 'tools', index];
    const inside = scopeOfTool(tool, scope);
    const work = nodeOfTool(tool, node);
    if (isWorkerNode(work)) checkWorker(walk, work, place, inside);
    else if (tool.kind === 'subgraph') checkGraphTool(walk.findings, tool, place, inside);
  }
  checkConcurrency(walk, node, path, scope);
  return outputOfAgent(node);
}

function checkConcurrency(
  walk: Walk,
  { concurrency = [] }: { readonly concurrency?: WorkerNode['concurrency'] },
  path: Path,
  scope: Scope,
): void {
  const keys = concurrency.map(({ key }) => key);
  const checker = checkerFor(walk, scope, keys);
  keys.forEach((key, index) => {
    const at = [...path, 'concurrency', index, 'key'];
    checker.expect(key, at, 'string');
    if (keys.indexOf(key) < index) report(walk.findings, at, 'This key is named twice.');
  });
}

function checkCache(walk: Walk, { cache, effect }: WorkerNode, path: Path, scope: Scope): void {
  if (cache === undefined) return;
  if (effect !== undefined)
    report(
      walk.findings,
      [...path, 'cache'],
      'What has an effect has to be done each time: leave `cache` or `effect` out.',
    );
  if (cache.key !== undefined)
    checkerFor(walk, scope, [cache.key]).expect(cache.key, [...path, 'cache', 'key'], 'string');
}

function checkCombine(walk: Walk, node: CombineNode, path: Path, scope: Scope): ValueType {
  const from = node.from ?? node.needs;
  if (from.length === 0) report(walk.findings, path, 'There is nothing to combine: name nodes in `needs`.');
  from.forEach((id, index) => {
    const seen = scope.node(id);
    if ('refused' in seen) report(walk.findings, [...path, 'from', index], seen.refused);
  });
  switch (node.mode) {
    case 'object':
      return objectOfTypes(from.map((id) => [id, walk.outputs.get(id) ?? anyType]));
    case 'list':
    case 'concat':
      return listOf(anyType);
    case 'merge':
      return anyType;
  }
}

function checkBranch(walk: Walk, node: BranchNode, path: Path, scope: Scope): ValueType {
  const checker = checkerFor(
    walk,
    scope,
    node.cases.map(({ when }) => when),
  );
  node.cases.forEach(({ when }, index) => checker.expect(when, [...path, 'cases', index, 'when'], 'boolean'));
  return objectOfTypes([
    ['chosen', listOf(stringType)],
    ['case', anyType],
  ]);
}

function checkMap(walk: Walk, node: MapNode, path: Path, scope: Scope, sees: Sees): ValueType {
  const list = checkerFor(walk, scope, [node.over]).expect(node.over, [...path, 'over'], 'list');
  const element = list.kind === 'list' ? list.element : anyType;
  const named = isFreeName(walk, node.as, [...path, 'as'], scope) ? { [node.as]: element } : {};
  const variables = { ...scope.variables, ...named, index: integerType };
  return listOf(checkBody(walk, node, path, variables, sees));
}

/** Whether a map may call its items so; reports it otherwise. */
function isFreeName(walk: Walk, name: string, path: Path, scope: Scope): boolean {
  if (!isVariableName(name)) {
    report(walk.findings, path, `'${name}' has a meaning of its own in expressions: choose another name.`);
    return false;
  }
  if (!['nodes', 'index', 'round', 'previous', ...Object.keys(scope.variables)].includes(name)) return true;
  report(walk.findings, path, `The name '${name}' is taken.`);
  return false;
}

function checkLoop(walk: Walk, node: LoopNode, path: Path, scope: Scope, sees: Sees): ValueType {
  const variables = { ...scope.variables, round: integerType, previous: anyType };
  if (node.until === undefined && node.onExhausted !== 'continue')
    report(walk.findings, [...path, 'onExhausted'], 'Only a loop with `until` can be exhausted before it is done.');
  return checkBody(walk, node, path, variables, sees);
}

/** Checks what is inside of a map or loop, and the fields that read it. Returns the type of an item's or a round's output. */
function checkBody(walk: Walk, node: MapNode | LoopNode, path: Path, variables: Variables, sees: Sees): ValueType {
  const seen = checkNodes(walk, node.nodes, [...path, 'nodes'], variables, sees);
  const until = node.kind === 'loop' ? node.until : undefined;
  const best = node.kind === 'loop' && node.keep !== 'last' ? node.keep.best : undefined;
  const checker = checkerFor(walk, { variables, node: seen.node }, [node.output, until, best]);
  if (until !== undefined) checker.expect(until, [...path, 'until'], 'boolean');
  if (best !== undefined) checker.expect(best, [...path, 'keep', 'best'], 'number');
  return node.output === undefined ? anyType : checker.check(node.output, [...path, 'output']);
}
