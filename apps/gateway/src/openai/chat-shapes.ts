import type {
  CallUsage,
  completeChat,
  Logprobs,
  OpenAiChatCompletion,
  OpenAiFinishReason,
  OpenAiUsage,
  ResponseOf,
  ToolCall,
} from '@millrace/contracts';

type Answer = Extract<ResponseOf<typeof completeChat>, { status: 'completed' }>;

/** What all parts of one answer have in common. */
export interface AnswerHead {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

const finishReasons: Readonly<Record<Answer['finishReason'], OpenAiFinishReason>> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
  other: 'stop',
};

const toolCallOf = ({ id, name, arguments: json }: ToolCall) => ({
  id,
  type: 'function' as const,
  function: { name, arguments: json },
});

export function completionOf(head: AnswerHead, answers: readonly Answer[]): OpenAiChatCompletion {
  return {
    ...head,
    object: 'chat.completion',
    choices: answers.map(({ text, toolCalls, finishReason, logprobs }, index) => ({
      index,
      message: {
        role: 'assistant',
        content: text === '' && toolCalls.length > 0 ? null : text,
        refusal: null,
        ...(toolCalls.length > 0 && { tool_calls: toolCalls.map(toolCallOf) }),
      },
      logprobs: likelihoodsOf(logprobs),
      finish_reason: finishReasons[finishReason],
    })),
    usage: usageOf(answers.map(({ usage }) => usage)),
    ...cachedOf(answers),
  };
}

const likelihoodsOf = (logprobs: Answer['logprobs']) => (logprobs ? { content: logprobs, refusal: null } : null);

/** Says that answers were given before, where all of them were. */
function cachedOf(answers: readonly Answer[]) {
  const [first] = answers;
  return first?.cached !== undefined && answers.every(({ cached }) => cached !== undefined)
    ? { cached: first.cached }
    : {};
}

export function usageOf(usages: readonly CallUsage[]): OpenAiUsage {
  const sum = (of: (usage: CallUsage) => number): number => usages.reduce((total, usage) => total + of(usage), 0);
  const [prompt, completion] = [sum((usage) => usage.promptTokens), sum((usage) => usage.completionTokens)];
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: sum((usage) => usage.cachedPromptTokens) },
  };
}

const chunk = (head: AnswerHead, choices: readonly object[], more: object = {}) => ({
  id: head.id,
  object: 'chat.completion.chunk',
  created: head.created,
  model: head.model,
  choices,
  ...more,
});

export const deltaChunk = (
  head: AnswerHead,
  index: number,
  delta: object,
  reason: OpenAiFinishReason | null = null,
  more: object = {},
) => chunk(head, [{ index, delta, logprobs: null, finish_reason: reason }], more);

export const toolCallsChunk = (head: AnswerHead, index: number, calls: readonly ToolCall[]) =>
  deltaChunk(head, index, { tool_calls: calls.map((call, at) => ({ index: at, ...toolCallOf(call) })) });

/** Text with the likelihoods of its tokens: clients add up those of all chunks. */
export function textChunk(head: AnswerHead, index: number, content: string, logprobs: Logprobs = []) {
  const likelihoods = likelihoodsOf(logprobs.length > 0 ? logprobs : null);
  return chunk(head, [{ index, delta: content === '' ? {} : { content }, logprobs: likelihoods, finish_reason: null }]);
}

export const finishChunk = (head: AnswerHead, index: number, answer: Answer) =>
  deltaChunk(head, index, {}, finishReasons[answer.finishReason], cachedOf([answer]));

export const usageChunk = (head: AnswerHead, usages: readonly CallUsage[]) =>
  chunk(head, [], { usage: usageOf(usages) });
