/**
 * Agents are made of what the engine has: one frame with an input of its own, as a subgraph; in it a call that describes the granted
 * tools, then a loop of a model's task and a map over the tools that it calls.
 *
 *   research                             agent
 *   research[0].tools                    tool   what the granted tools take, from the toolbox
 *   research[0].rounds                   loop
 *   research[0].rounds[2].model          llm
 *   research[0].rounds[2].calls          map    all that the model asks for, what is refused included
 *   research[0].rounds[2].calls[0].call  tool   skipped where it is refused
 */
import type { JsonObject } from '@millrace/kernel';
import { z } from 'zod';
import { agentNodes, type AgentRules } from '../agent/rules.js';
import {
  agentOutput,
  callItems,
  callKey,
  callResult,
  isMade,
  isOver,
  modelInput,
  roundOutput,
  toolInput,
} from '../agent/templates.js';
import { agentInputSchema } from '../document/agent-fields.js';
import type { AgentNode } from '../document/graph-document.js';
import { compileTemplate } from './compile-template.js';
import type {
  CompiledLoop,
  CompiledMap,
  CompiledNode,
  CompiledScope,
  CompiledSubgraph,
  CompiledTemplate,
  CompiledWorker,
} from './compiled-graph.js';

type Common = Omit<CompiledNode & { kind: 'transform' }, 'kind' | 'output'>;
/** What the document says of how each of its tasks is done. */
type Policies = Pick<CompiledWorker, 'retry' | 'attemptMs' | 'idleMs' | 'estimateUsd' | 'concurrency' | 'lane'>;

const literal = (value: JsonObject): CompiledTemplate => ({ template: { kind: 'literal', value }, references: [] });
const computed = (compute: NonNullable<CompiledTemplate['compute']>): CompiledTemplate => ({
  template: { kind: 'literal', value: null },
  references: [],
  compute,
});

export function compileAgent(
  node: AgentNode,
  common: Common,
  variables: readonly string[],
  policies: Policies & { readonly timeoutMs: number | null },
): CompiledSubgraph {
  const { timeoutMs, ...rest } = policies;
  const rules = rulesOf(node, rest);
  const tools = workerOf(agentNodes.tools, 'tool', describing(node.tools), { ...rest, estimateUsd: 0, ...unshared });
  const rounds = roundsOf(node, rules, rest, rules.granted.size > 0);
  return {
    ...common,
    kind: 'subgraph',
    shownAs: 'agent',
    with: compileTemplate(node.with, variables),
    input: agentInputSchema,
    timeoutMs,
    body: rules.granted.size > 0 ? chained(tools, rounds) : scopeOf([rounds]),
    output: computed(agentOutput),
  };
}

const unshared = { concurrency: [], lane: null } as const;

const describing = (names: readonly string[]): CompiledTemplate =>
  literal({ tool: 'describe', arguments: { names: [...names] } });

const rulesOf = (node: AgentNode, { estimateUsd }: Policies): AgentRules => ({
  granted: new Set(node.tools),
  maxRounds: node.maxRounds,
  maxToolCalls: node.maxToolCalls,
  schema:
    node.output === undefined
      ? null
      : (z.fromJSONSchema(node.output as z.core.JSONSchema.JSONSchema) as z.ZodType<JsonObject>),
  schemaDocument: (node.output as JsonObject | undefined) ?? null,
  onExhausted: node.onExhausted,
  budgetUsd: node.budget?.usd ?? null,
  estimateUsd,
});

function roundsOf(node: AgentNode, rules: AgentRules, policies: Policies, needsTools: boolean): CompiledLoop {
  const model = { ...workerOf(agentNodes.model, 'llm', computed(modelInput(rules)), policies), keepsUsage: true };
  const calls: CompiledMap = {
    ...partOf(agentNodes.calls, 1),
    kind: 'map',
    as: 'call',
    maxParallel: node.maxParallel,
    tolerates: 0,
    over: computed(callItems(rules)),
    body: scopeOf([callOf({ ...policies, estimateUsd: 0, ...unshared })]),
    output: computed(callResult),
  };
  return {
    ...partOf(agentNodes.rounds, needsTools ? 1 : 0),
    kind: 'loop',
    maxRounds: node.maxRounds,
    until: computed(isOver(rules)),
    best: null,
    onExhausted: 'continue',
    exhaustedTarget: null,
    body: chained(model, calls),
    output: computed(roundOutput(rules)),
  };
}

/** What fails is told to the model. */
const callOf = (policies: Policies): CompiledWorker => ({
  ...workerOf(agentNodes.call, 'tool', computed(toolInput), policies),
  when: computed(isMade),
  continueOnError: true,
  effect: { key: computed(callKey), compensate: null },
});

const partOf = (id: string, needs: number) => ({
  id,
  index: needs,
  needs,
  dependents: [] as CompiledNode[],
  when: null,
  continueOnError: false,
  errorTarget: null,
  choosers: [],
});

const workerOf = (id: string, kind: 'llm' | 'tool', input: CompiledTemplate, policies: Policies): CompiledWorker => ({
  ...partOf(id, 0),
  ...policies,
  kind,
  worker: undefined,
  routes: null,
  with: input,
  timeoutMs: null,
  effect: null,
  cache: null,
});

const scopeOf = (nodes: readonly CompiledNode[]): CompiledScope => ({
  nodes,
  byId: new Map(nodes.map((node) => [node.id, node])),
  roots: nodes.filter(({ needs }) => needs === 0),
});

/** Two nodes, the second after the first. */
function chained(first: CompiledNode, second: CompiledNode): CompiledScope {
  return scopeOf([{ ...first, dependents: [second] }, second]);
}
