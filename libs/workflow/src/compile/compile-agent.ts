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
 *
 * An item of the map that calls a declared tool has the node of that tool in place of `call`: see `compile-agent-tools.ts`.
 */
import type { JsonObject } from '@millrace/kernel';
import { z } from 'zod';
import { callKey, callResult, isMade, toolInput } from '../agent/call-templates.js';
import { agentNodes, type AgentRules } from '../agent/rules.js';
import { agentOutput, callItems, isOver, modelInput, roundOutput } from '../agent/templates.js';
import { rulesOfTool } from '../agent/tool-rules.js';
import { agentInputSchema } from '../document/agent-fields.js';
import { declaredTools } from '../document/agent-tools.js';
import type { AgentNode } from '../document/graph-document.js';
import { bodyOfCalls, type CompileNode } from './compile-agent-tools.js';
import { compileTemplate } from './compile-template.js';
import { chained, computed, literal, partOf, scopeOf } from './made-nodes.js';
import type {
  CompiledLoop,
  CompiledMap,
  CompiledNode,
  CompiledSubgraph,
  CompiledTemplate,
  CompiledWorker,
} from './compiled-graph.js';

type Common = Omit<CompiledNode & { kind: 'transform' }, 'kind' | 'output'>;
/** What the document says of how each of its tasks is done. */
type Policies = Pick<CompiledWorker, 'retry' | 'attemptMs' | 'idleMs' | 'estimateUsd' | 'concurrency' | 'lane'>;

export function compileAgent(
  node: AgentNode,
  common: Common,
  variables: readonly string[],
  policies: Policies & { readonly timeoutMs: number | null },
  compileNode: CompileNode,
): CompiledSubgraph {
  const { timeoutMs, ...rest } = policies;
  const rules = rulesOf(node, rest);
  const named = node.tools.filter((tool) => typeof tool === 'string');
  const tools = workerOf(agentNodes.tools, 'tool', describing(named), { ...rest, estimateUsd: 0, ...unshared });
  const toolbox = scopeOf([callOf({ ...rest, estimateUsd: 0, ...unshared })]);
  const calls = callsOf(node, rules, bodyOfCalls(node, toolbox, variables, compileNode));
  const rounds = roundsOf(node, rules, rest, calls, named.length > 0);
  return {
    ...common,
    kind: 'subgraph',
    shownAs: 'agent',
    with: compileTemplate(node.with, variables),
    input: agentInputSchema,
    timeoutMs,
    body: named.length > 0 ? chained(tools, rounds) : scopeOf([rounds]),
    output: computed(agentOutput),
  };
}

const unshared = { concurrency: [], lane: null } as const;

const describing = (names: readonly string[]): CompiledTemplate =>
  literal({ tool: 'describe', arguments: { names: [...names] } });

const rulesOf = (node: AgentNode, { estimateUsd }: Policies): AgentRules => ({
  granted: new Set(node.tools.map((tool) => (typeof tool === 'string' ? tool : tool.name))),
  declared: new Map(declaredTools(node).map(({ tool }) => [tool.name, rulesOfTool(tool)])),
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

const callsOf = (node: AgentNode, rules: AgentRules, body: Pick<CompiledMap, 'body' | 'bodyOf'>): CompiledMap => ({
  ...partOf(agentNodes.calls, 1),
  kind: 'map',
  as: 'call',
  maxParallel: node.maxParallel,
  tolerates: 0,
  over: computed(callItems(rules)),
  ...body,
  output: computed(callResult(rules)),
});

function roundsOf(
  node: AgentNode,
  rules: AgentRules,
  policies: Policies,
  calls: CompiledMap,
  needsTools: boolean,
): CompiledLoop {
  const model = { ...workerOf(agentNodes.model, 'llm', computed(modelInput(rules)), policies), keepsUsage: true };
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
  effect: { key: computed(callKey(agentNodes.call)), compensate: null },
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
