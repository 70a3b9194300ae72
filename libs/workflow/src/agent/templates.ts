/** What the nodes inside of an agent read and yield: functions of the state in place of expressions. */
import type { ChatMessage, InputOf, llmTask } from '@millrace/contracts';
import { MillraceError, type JsonValue } from '@millrace/kernel';
import { finishTool } from '../document/agent-fields.js';
import type { Frame } from '../engine/state.js';
import type { Seen } from '../engine/variables.js';
import type { Meter } from '../expression/meter.js';
import { messagesOf, toolsOf } from './conversation.js';
import { callsMade, exhaustion, plannedCalls, roundView, type Exhaustion } from './rounds.js';
import { agentNodes, type AgentRules } from './rules.js';
import { mostPassages, passagesFound } from './tool-results.js';

export type Compute<Value extends JsonValue = JsonValue> = (state: Seen, frame: Frame, meter: Meter) => Value;
type LlmInput = Partial<InputOf<typeof llmTask>> & { readonly messages: readonly ChatMessage[] };

const asJson = (value: unknown): JsonValue => value as JsonValue;

/** The input of the model in a round. */
export const modelInput =
  (rules: AgentRules): Compute =>
  (state, frame) => {
    const view = roundView(state, frame, rules);
    const { system: _system, prompt: _prompt, messages: _messages, ...settings } = view.input;
    const tools = toolsOf(view.catalogue, rules);
    const found = rules.declared.size > 0 ? passagesFound(state, view.before, rules) : [];
    const input: LlmInput = {
      ...settings,
      ...(found.length > 0 && { evidence: [...(settings.evidence ?? []), ...found].slice(0, mostPassages) }),
      messages: messagesOf(view.input, view.before, rules.schema !== null),
      ...(tools.length > 0 && { tools, ...mustAnswer(rules, view.round + 1, callsMade(view)) }),
    };
    return asJson(input);
  };

/** Where no call would be made any more, the model is left no choice but to answer. */
function mustAnswer(rules: AgentRules, round: number, made: number): Pick<LlmInput, 'toolChoice'> {
  const isLast = round >= rules.maxRounds && rules.onExhausted === 'best';
  if (!isLast && made < rules.maxToolCalls) return {};
  return { toolChoice: rules.schema === null ? 'none' : { tool: finishTool } };
}

/** The calls of a round, the items of a map. */
export const callItems =
  (rules: AgentRules): Compute =>
  (state, frame) =>
    asJson(plannedCalls(roundView(state, frame, rules), rules));

/** Whether an agent ends with a round. @throws MillraceError `agent_exhausted`, `agent_budget_exceeded` */
export const isOver =
  (rules: AgentRules): Compute<boolean> =>
  (state, frame) => {
    const view = roundView(state, frame, rules);
    if (view.answer?.isAnswer === true) return true;
    const end = exhaustion(view, rules);
    if (end === null) return false;
    if (end === 'degraded' || rules.onExhausted === 'best') return true;
    throw exhausted(end, rules);
  };

function exhausted(end: Exhaustion, { maxRounds, budgetUsd }: AgentRules): MillraceError {
  return end === 'budget'
    ? new MillraceError(
        'conflict',
        'agent_budget_exceeded',
        `The model gave no answer within the ${budgetUsd ?? 0} dollars of this node's budget.`,
        { retryable: false },
      )
    : new MillraceError('conflict', 'agent_exhausted', `After ${maxRounds} rounds the model had given no answer.`, {
        retryable: false,
      });
}

/** What there is after a round: the output of the agent after the last. Before, only how far it is. */
export const roundOutput =
  (rules: AgentRules): Compute =>
  (state, frame) => {
    const view = roundView(state, frame, rules);
    const { answer, output, before, round } = view;
    const toolCalls = callsMade(view);
    const isAnswer = answer?.isAnswer === true;
    const end = isAnswer ? 'answered' : exhaustion(view, rules);
    if (end === null) return { rounds: round + 1, toolCalls };
    const texts = [...before.map(({ text }) => text), output?.text ?? ''];
    return asJson({
      text: texts.findLast((text) => text.trim() !== '') ?? '',
      json: isAnswer ? answer.json : null,
      reason: end,
      finished: isAnswer,
      rounds: round + 1,
      toolCalls,
      citations: output?.citations ?? [],
      model: output?.model ?? null,
    });
  };

/** The output of an agent: that of its last round. */
export const agentOutput: Compute = (state, frame) => {
  const rounds = state.nodes.get(frame.prefix + agentNodes.rounds);
  return rounds?.status === 'completed' ? rounds.output : null;
};
