/** What happened in an agent so far, as its inner nodes see it: read from the state, so that nothing of it is stored twice. */
import type { ToolCall } from '@millrace/contracts';
import type { JsonValue } from '@millrace/kernel';
import { agentNodes, type AgentRules } from './rules.js';
import type { AgentInput } from '../document/agent-fields.js';
import type { Frame, NodeState } from '../engine/state.js';
import type { Seen } from '../engine/variables.js';
import { answerOf, type Answer, type LlmOutput } from './answer.js';
import type { EndedCall, EndedRound } from './conversation.js';
import { usdOfCalls } from './tool-results.js';
import { planCalls, type PlannedCall } from './plan-calls.js';

/** A round, and those before it. */
export interface RoundView {
  readonly round: number;
  readonly input: AgentInput;
  /** What the toolbox says of the granted tools. */
  readonly catalogue: JsonValue;
  readonly before: readonly PastRound[];
  /** What the model said in this round; null before, and where the run's budget did not let it be asked. */
  readonly output: LlmOutput | null;
  readonly answer: Answer | null;
  /** The calls of this round that are over; none before they are. */
  readonly calls: readonly EndedCall[];
  /** What the model and the declared tools cost so far, in US dollars. */
  readonly spentUsd: number;
}

type PastRound = EndedRound & { readonly usd: number; readonly prefix: string };

/** `frame` is that of a round. */
export function roundView(state: Seen, frame: Frame, rules: AgentRules): RoundView {
  const { owner } = frame;
  const loop = owner?.path ?? '';
  const round = owner?.index ?? 0;
  const outside = loop.slice(0, loop.lastIndexOf('.'));
  const before = Array.from({ length: round }, (_, index) => pastRound(state, `${loop}[${index}].`, rules));
  const model = state.nodes.get(frame.prefix + agentNodes.model);
  const output = outputOf(model);
  const catalogue = completed(state.nodes.get(`${outside}.${agentNodes.tools}`));
  const calls = endedCalls(state, frame.prefix);
  const paid = before.reduce((sum, { usd }) => sum + usd, usdOf(model));
  const placed = [...before, { prefix: frame.prefix, calls }];
  return {
    round,
    input: state.frames.get(outside)?.input as AgentInput,
    catalogue: fieldOf(fieldOf(catalogue, 'result'), 'tools'),
    before,
    output,
    answer: output && answerOf(output, rules.schema),
    calls,
    spentUsd: rules.budgetUsd === null ? paid : paid + usdOfCalls(state, placed, rules),
  };
}

function pastRound(state: Seen, prefix: string, { schema }: AgentRules): PastRound {
  const model = state.nodes.get(prefix + agentNodes.model);
  const output = outputOf(model);
  const answer = output && answerOf(output, schema);
  const calls = endedCalls(state, prefix);
  const flaw = answer !== null && !answer.isAnswer ? answer.flaw : null;
  return { text: output?.text ?? '', calls, flaw, usd: usdOf(model), prefix };
}

/** Why no further round begins after this one; null where one may. */
export function exhaustion(view: RoundView, { maxRounds, budgetUsd, estimateUsd }: AgentRules): Exhaustion | null {
  if (view.output === null) return 'degraded';
  if (view.round + 1 >= maxRounds) return 'rounds';
  const { spentUsd } = view;
  return budgetUsd !== null && (spentUsd >= budgetUsd || spentUsd + estimateUsd > budgetUsd) ? 'budget' : null;
}
export type Exhaustion = 'rounds' | 'budget' | 'degraded';

export const callsMade = ({ before, calls }: Pick<RoundView, 'before' | 'calls'>): number =>
  [...before.flatMap((round) => round.calls), ...calls].filter(({ made }) => made).length;

/** The calls that this round is to make. None of them where the model has answered. */
export function plannedCalls(view: RoundView, rules: AgentRules): PlannedCall[] {
  const { answer, before, output, round } = view;
  if (output === null || answer === null || answer.isAnswer) return [];
  return planCalls(output.toolCalls, {
    round,
    granted: rules.granted,
    declared: rules.declared,
    left: rules.maxToolCalls - callsMade({ before, calls: [] }),
    isLast: exhaustion(view, rules) !== null,
    unfit: answer.flaw,
    taken: new Set(before.flatMap(({ calls }) => calls.map(({ id }) => id))),
  });
}

/** The call of a map's item; `frame` is that of the item. */
export function plannedCallAt(state: Seen, { owner }: Frame): PlannedCall {
  const map = state.nodes.get(owner?.path ?? '');
  const progress = map?.status === 'running' ? map.progress : null;
  const item = progress?.kind === 'map' ? progress.items[owner?.index ?? -1] : undefined;
  return item as unknown as PlannedCall;
}

const endedCalls = (state: Seen, prefix: string): readonly EndedCall[] =>
  (completed(state.nodes.get(prefix + agentNodes.calls)) ?? []) as unknown as EndedCall[];

/** What of a model's answer is as it should be: nobody has checked it since it left the worker. */
function outputOf(node: NodeState | undefined): LlmOutput | null {
  const said = completed(node);
  if (said === null) return null;
  const [text, calls, model] = ['text', 'toolCalls', 'model'].map((name) => fieldOf(said, name));
  return {
    text: typeof text === 'string' ? text : '',
    toolCalls: Array.isArray(calls) ? calls.filter(isCall) : [],
    citations: fieldOf(said, 'citations') ?? [],
    model: typeof model === 'string' ? model : null,
  };
}

const isCall = (call: JsonValue): call is ToolCall =>
  ['id', 'name', 'arguments'].every((name) => typeof fieldOf(call, name) === 'string');

const completed = (node: NodeState | undefined): JsonValue => (node?.status === 'completed' ? node.output : null);

const usdOf = (node: NodeState | undefined): number =>
  (node?.status === 'completed' ? node.usage?.costUsd : undefined) ?? 0;

const fieldOf = (value: JsonValue, name: string): JsonValue =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value[name] ?? null) : null;
