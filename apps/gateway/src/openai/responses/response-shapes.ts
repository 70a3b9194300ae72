import type {
  CallUsage,
  OpenAiOutputItem,
  OpenAiResponse,
  OpenAiResponsesRequest,
  ToolCall,
} from '@millrace/contracts';
import { newId, systemClock } from '@millrace/kernel';
import type { Answer } from '../answer-caller.js';

type MessageItem = Extract<OpenAiOutputItem, { type: 'message' }>;

/** A response that nothing was written of yet. */
export function responseOf(request: OpenAiResponsesRequest): OpenAiResponse {
  return {
    id: newId('resp'),
    object: 'response',
    created_at: Math.floor(systemClock.now().getTime() / 1_000),
    status: 'in_progress',
    model: request.model,
    output: [],
    error: null,
    incomplete_details: null,
    instructions: request.instructions ?? null,
    metadata: request.metadata ?? {},
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    temperature: request.temperature ?? null,
    top_p: request.top_p ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    tool_choice: request.tool_choice ?? 'auto',
    tools: request.tools ?? [],
    text: request.text ?? { format: { type: 'text' } },
    previous_response_id: request.previous_response_id ?? null,
    store: request.store !== false,
    usage: null,
  };
}

/** The response with its answer; `messageId` is that of a message which was shown already. */
export function completed(response: OpenAiResponse, answer: Answer, messageId: string | null): OpenAiResponse {
  const { text, toolCalls, finishReason, model, usage, cached } = answer;
  const incomplete = { length: 'max_output_tokens', 'content-filter': 'content_filter' } as const;
  const reason = finishReason === 'length' || finishReason === 'content-filter' ? incomplete[finishReason] : null;
  const status = reason === null ? 'completed' : 'incomplete';
  const hasMessage = text !== '' || toolCalls.length === 0;
  const message = messageItem(messageId ?? newId('msg'), status, text, answer.logprobs ?? []);
  return {
    ...response,
    status,
    model,
    output: [...(hasMessage ? [message] : []), ...toolCalls.map(callItem)],
    incomplete_details: reason === null ? null : { reason },
    usage: usageOf(usage),
    ...(cached !== undefined && { cached }),
  };
}

export const messageItem = (
  id: string,
  status: MessageItem['status'],
  text: string,
  logprobs: MessageItem['content'][number]['logprobs'] = [],
): MessageItem => ({ type: 'message', id, role: 'assistant', status, content: [textPart(text, logprobs)] });

export const textPart = (text: string, logprobs: MessageItem['content'][number]['logprobs'] = []) => ({
  type: 'output_text' as const,
  text,
  annotations: [],
  logprobs,
});

const callItem = ({ id, name, arguments: json }: ToolCall) => ({
  type: 'function_call' as const,
  id: newId('fc'),
  call_id: id,
  name,
  arguments: json,
  status: 'completed' as const,
});

export const usageOf = ({
  promptTokens,
  cachedPromptTokens,
  completionTokens,
}: CallUsage): OpenAiResponse['usage'] => ({
  input_tokens: promptTokens,
  input_tokens_details: { cached_tokens: cachedPromptTokens },
  output_tokens: completionTokens,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: promptTokens + completionTokens,
});
