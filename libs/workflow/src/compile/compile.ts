import { invalidInput, type JsonObject, type JsonValue } from '@millrace/kernel';
import { z } from 'zod';
import { subgraphsOfTools } from '../document/agent-tools.js';
import { durationMs } from '../document/duration.js';
import {
  graphDocumentSchema,
  isContainer,
  isWorkerNode,
  type AgentNode,
  type ApprovalNode,
  type GraphDocument,
  type GraphNode,
  type RouterNode,
  type SubgraphNode,
  type WaitNode,
  type WorkerNode,
} from '../document/graph-document.js';
import type { BudgetDocument, RetryDocument } from '../document/policies.js';
import type { ThreadDocument } from '../document/thread-policy.js';
import { taskInputOf } from '../document/router-node.js';
import { compileAgent } from './compile-agent.js';
import { laneOf } from './compile-lane.js';
import { choosersIn } from './choosers.js';
import { compileConcurrency, sharesIn } from './compile-concurrency.js';
import { compensatesIn, compensationsOf, compileEffect } from './compile-effect.js';
import { compileTemplate } from './compile-template.js';
import type {
  CompiledBudget,
  CompiledGraph,
  CompiledNode,
  CompiledRoutes,
  CompiledScope,
  CompiledWorker,
  RetryPolicy,
} from './compiled-graph.js';
import { insideOf, rootVariables, startVariables, eventVariable, signalVariable } from './variables.js';

/**
 * Makes a graph ready to run. The document has been validated when it was published; what an older version accepted and
 * this one would not publish still runs.
 * @throws MillraceError `invalid_graph` for what is no graph document, `invalid_expression`
 */
export function compileGraph(document: GraphDocument | JsonObject): CompiledGraph {
  const parsed = graphDocumentSchema.safeParse(document);
  if (!parsed.success)
    throw invalidInput('invalid_graph', `The graph cannot be read: ${z.prettifyError(parsed.error)}`);
  const graph = parsed.data;
  const root = compileScope(graph.nodes, rootVariables);
  return {
    name: graph.metadata.name,
    input: z.fromJSONSchema(graph.input as z.core.JSONSchema.JSONSchema) as z.ZodType<JsonObject>,
    timeoutMs: graph.timeout === undefined ? null : durationMs(graph.timeout),
    root,
    budget: compileBudget(graph.budget),
    priority: graph.priority ?? 'normal',
    thread: compileThread(graph.thread),
    concurrency: compileConcurrency(graph.concurrency, startVariables),
    compensates: compensatesIn(root),
    shares: sharesIn(root),
    signals: new Set(signalsOf(graph.nodes)),
    awaitsEvents: awaitsEvents(graph.nodes),
    output: compileTemplate(graph.output ?? null, rootVariables),
  };
}

const signalsOf = (nodes: readonly GraphNode[]): string[] =>
  nodes.flatMap((node) => {
    if (isContainer(node)) return signalsOf(node.nodes);
    if (node.kind === 'subgraph') return signalsOf(node.pinned?.document.nodes ?? []);
    if (node.kind === 'agent') return signalsOf(subgraphsOfTools(node).map((each) => each.node));
    return node.kind === 'wait' && node.signal ? [node.signal.name] : [];
  });

const awaitsEvents = (nodes: readonly GraphNode[]): boolean =>
  nodes.some((node) => {
    if (node.kind === 'subgraph') return awaitsEvents(node.pinned?.document.nodes ?? []);
    if (node.kind === 'agent') return awaitsEvents(subgraphsOfTools(node).map((each) => each.node));
    return isContainer(node) ? awaitsEvents(node.nodes) : node.kind === 'wait' && node.event !== undefined;
  });

function compileScope(documents: readonly GraphNode[], variables: readonly string[]): CompiledScope {
  const dependents = new Map<string, CompiledNode[]>(documents.map((node) => [node.id, []]));
  const choosers = choosersIn(documents);
  const nodes = documents.map((node, index) => {
    const around = { index, dependents: dependents.get(node.id) ?? [], choosers: choosers.get(node.id) ?? [] };
    return compileNode(node, around, variables);
  });
  nodes.forEach((node, index) => {
    for (const need of new Set(documents[index]?.needs)) dependents.get(need)?.push(node);
  });
  return {
    nodes,
    byId: new Map([...nodes, ...compensationsOf(nodes)].map((node) => [node.id, node])),
    roots: nodes.filter((node) => node.needs === 0),
  };
}

function compileNode(
  node: GraphNode,
  around: Pick<CompiledNode, 'index' | 'dependents' | 'choosers'>,
  variables: readonly string[],
): CompiledNode {
  const compile = (value: JsonValue) => compileTemplate(value, variables);
  const common = {
    id: node.id,
    ...around,
    needs: new Set(node.needs).size,
    when: node.when === undefined ? null : compile(node.when),
    continueOnError: node.onError === 'continue',
    errorTarget: typeof node.onError === 'object' ? node.onError.goto : null,
  };
  if (isWorkerNode(node)) return compileWorker(node, common, variables);
  switch (node.kind) {
    case 'transform':
      return { ...common, kind: node.kind, output: compile(node.output) };
    case 'combine':
      return { ...common, kind: node.kind, from: node.from ?? node.needs, mode: node.mode };
    case 'emit':
      return { ...common, kind: node.kind, event: node.event, with: compile(node.with) };
    case 'branch': {
      const cases = node.cases.map(({ when, then }) => ({ when: compile(when), then }));
      return { ...common, kind: node.kind, cases, default: node.default };
    }
    case 'approval':
      return compileApproval(node, common, variables);
    case 'wait':
      return compileWait(node, common, variables);
    case 'subgraph':
      return compileSubgraph(node, common, variables);
    case 'agent':
      return compileAgent(
        node,
        common,
        variables,
        {
          ...policiesOf(node, variables),
          timeoutMs: limitOf(node.timeout?.total),
        },
        compileNode,
      );
    case 'map':
    case 'loop':
      return compileContainer(node, common, variables);
  }
}

type Container = Extract<GraphNode, { kind: 'map' | 'loop' }>;
type Common = Omit<CompiledNode & { kind: 'transform' }, 'kind' | 'output'>;

function compileWorker(node: WorkerNode, common: Common, variables: readonly string[]): CompiledWorker {
  return {
    ...common,
    kind: node.kind,
    worker: node.kind === 'worker' ? node.worker : undefined,
    routes: node.kind === 'router' ? routesOf(node) : null,
    with: compileTemplate(taskInputOf(node), variables),
    timeoutMs: limitOf(node.timeout?.total),
    effect: compileEffect(node.effect, variables),
    cache: compileCache(node.cache, variables),
    ...policiesOf(node, variables),
  };
}

/** How a task is done, whatever it is. */
const policiesOf = (node: WorkerNode | AgentNode, variables: readonly string[]) => ({
  retry: compileRetry(node.retry),
  attemptMs: limitOf(node.timeout?.attempt),
  idleMs: limitOf(node.timeout?.idle),
  estimateUsd: node.estimate?.usd ?? 0,
  concurrency: compileConcurrency(node.concurrency, variables),
  lane: laneOf(node),
});

const routesOf = ({ intents, threshold, fallback }: RouterNode): CompiledRoutes => ({
  targets: new Map(intents.map(({ name, then }) => [name, then])),
  threshold,
  fallback,
});

function compileApproval(node: ApprovalNode, common: Common, variables: readonly string[]): CompiledNode {
  return {
    ...common,
    kind: node.kind,
    title: compileTemplate(node.title, variables),
    with: compileTemplate(node.with, variables),
    assignees: compileTemplate(node.assignees, variables),
    form: node.form,
    formSchema: z.fromJSONSchema(node.form as z.core.JSONSchema.JSONSchema) as z.ZodType<JsonObject>,
    timeoutMs: durationMs(node.deadline),
    ...(typeof node.onTimeout === 'object'
      ? { onTimeout: 'fail', timeoutTarget: node.onTimeout.goto }
      : { onTimeout: node.onTimeout, timeoutTarget: null }),
    continueOnReject: node.onReject === 'continue',
  };
}

function compileWait(node: WaitNode, common: Common, variables: readonly string[]): CompiledNode {
  const wait = {
    ...common,
    kind: node.kind,
    timeoutMs: node.timeout === undefined ? null : durationMs(node.timeout.total),
  };
  if (node.signal !== undefined) {
    const filter = compileTemplate(node.signal.filter ?? true, [...variables, signalVariable]);
    return { ...wait, for: { kind: 'signal', name: node.signal.name, filter } };
  }
  if (node.event !== undefined) {
    const filter = compileTemplate(node.event.filter ?? true, [...variables, eventVariable]);
    return { ...wait, for: { kind: 'event', subject: node.event.subject, filter } };
  }
  if (node.until !== undefined)
    return { ...wait, for: { kind: 'moment', value: compileTemplate(node.until, variables) } };
  return { ...wait, for: { kind: 'duration', value: compileTemplate(node.for ?? null, variables) } };
}

function compileContainer(node: Container, common: Common, variables: readonly string[]): CompiledNode {
  const inside = insideOf(node, variables);
  const body = compileScope(node.nodes, inside);
  const output = compileTemplate(node.output ?? null, inside);
  if (node.kind === 'map') {
    const { kind, as, maxParallel } = node;
    const [over, tolerates] = [compileTemplate(node.over, variables), node.tolerate?.failures ?? 0];
    return { ...common, kind, as, maxParallel, tolerates, over, body, output };
  }
  return {
    ...common,
    kind: node.kind,
    maxRounds: node.maxRounds,
    until: compileTemplate(node.until ?? false, inside),
    best: node.keep === 'last' ? null : compileTemplate(node.keep.best, inside),
    ...(typeof node.onExhausted === 'object'
      ? { onExhausted: 'fail', exhaustedTarget: node.onExhausted.goto }
      : { onExhausted: node.onExhausted, exhaustedTarget: null }),
    body,
    output,
  };
}

const compileCache = (cache: WorkerNode['cache'], variables: readonly string[]): CompiledWorker['cache'] =>
  cache === undefined
    ? null
    : { key: cache.key === undefined ? null : compileTemplate(cache.key, variables), ttlMs: durationMs(cache.ttl) };

const compileBudget = (budget: BudgetDocument | undefined): CompiledBudget | null =>
  budget === undefined
    ? null
    : { usd: budget.usd ?? null, wallClockMs: limitOf(budget.wallClock), onExceed: budget.onExceed };

const compileThread = (thread: ThreadDocument | undefined): CompiledGraph['thread'] =>
  thread === undefined
    ? null
    : {
        onBusy: thread.onBusy,
        patch: thread.state === undefined ? null : compileTemplate(thread.state, rootVariables),
      };

const limitOf = (duration: string | undefined): number | null => (duration === undefined ? null : durationMs(duration));

/** @throws MillraceError `invalid_graph` where nobody has said which version is meant: publishing does */
function compileSubgraph(node: SubgraphNode, common: Common, variables: readonly string[]): CompiledNode {
  if (node.pinned === undefined)
    throw invalidInput('invalid_graph', `The graph cannot run: '${node.id}' names no version of ${node.graph}.`);
  const { document } = node.pinned;
  const timeout = node.timeout?.total ?? document.timeout;
  return {
    ...common,
    kind: node.kind,
    with: compileTemplate(node.with, variables),
    input: z.fromJSONSchema(document.input as z.core.JSONSchema.JSONSchema) as z.ZodType<JsonObject>,
    timeoutMs: timeout === undefined ? null : durationMs(timeout),
    body: compileScope(document.nodes, rootVariables),
    output: compileTemplate(document.output ?? null, rootVariables),
  };
}

function compileRetry(retry: RetryDocument): RetryPolicy {
  return {
    maxAttempts: retry.maxAttempts,
    initialMs: durationMs(retry.backoff.initial),
    maxMs: durationMs(retry.backoff.max),
    factor: retry.backoff.factor,
    on: retry.on === undefined ? null : new Set(retry.on),
  };
}
