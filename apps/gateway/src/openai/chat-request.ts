import type { ChatMessage, completeChat, OpenAiChatRequest, OpenAiMessage, RequestOf } from '@millrace/contracts';
import { answerCacheSchema, completeChat as contract, violationsOf } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';

type Call = RequestOf<typeof completeChat>;

/**
 * OpenAI's request in the words of the contract.
 * @throws MillraceError `invalid_body` for what OpenAI's shape allows and no model takes
 */
export function callOf(request: OpenAiChatRequest, ids: Pick<Call, 'callId' | 'listenerId' | 'keyId'>): Call {
  const { model, stream, stop, tools } = request;
  const call = {
    ...ids,
    model,
    stream: stream === true,
    messages: request.messages.map(messageOf),
    ...given('tools', tools?.map(toolOf)),
    ...given('toolChoice', toolChoiceOf(request.tool_choice)),
    ...given('json', jsonOf(request.response_format)),
    ...given('maxTokens', request.max_completion_tokens ?? request.max_tokens),
    ...given('temperature', request.temperature),
    ...given('topP', request.top_p),
    ...given('presencePenalty', request.presence_penalty),
    ...given('frequencyPenalty', request.frequency_penalty),
    ...given('stop', typeof stop === 'string' ? [stop] : stop),
    ...given('seed', request.seed),
    ...given('logprobs', request.logprobs === true ? (request.top_logprobs ?? 0) : undefined),
    ...given('cache', cacheOf(request.cache)),
  };
  const checked = contract.request.safeParse(call);
  if (checked.success) return checked.data;
  throw invalidInput('invalid_body', 'The request cannot be used.', violationsOf(checked.error));
}

const given = <Name extends string, Value>(name: Name, value: Value | null | undefined) =>
  value === null || value === undefined ? {} : ({ [name]: value } as { [Key in Name]: Value });

const cacheOf = (cache: OpenAiChatRequest['cache']) =>
  typeof cache === 'boolean' ? (cache ? answerCacheSchema.parse({}) : undefined) : cache;

function messageOf(message: OpenAiMessage): ChatMessage {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: textOf(message.content) };
    case 'user':
      return {
        role: 'user',
        content: typeof message.content === 'string' ? message.content : message.content.map(partOf),
      };
    case 'assistant': {
      const toolCalls = message.tool_calls?.map(({ id, function: { name, arguments: json } }) => ({
        id,
        name,
        arguments: json,
      }));
      return {
        role: 'assistant',
        content: textOf(message.content ?? message.refusal ?? ''),
        ...given('toolCalls', toolCalls),
      };
    }
    case 'tool':
      return { role: 'tool', toolCallId: message.tool_call_id, content: textOf(message.content) };
  }
}

type UserPart = Exclude<Extract<OpenAiMessage, { role: 'user' }>['content'], string>[number];

const partOf = (part: UserPart) =>
  part.type === 'text' ? part : ({ type: 'image', url: part.image_url.url } as const);

type Words = { readonly text: string } | { readonly refusal: string };

const textOf = (content: string | readonly Words[]): string =>
  typeof content === 'string' ? content : content.map((part) => ('text' in part ? part.text : part.refusal)).join('\n');

const toolOf = ({ function: tool }: NonNullable<OpenAiChatRequest['tools']>[number]) => ({
  name: tool.name,
  ...given('description', tool.description),
  ...given('parameters', tool.parameters),
});

const toolChoiceOf = (choice: OpenAiChatRequest['tool_choice']) =>
  typeof choice === 'object' && choice !== null ? { tool: choice.function.name } : choice;

function jsonOf(format: OpenAiChatRequest['response_format']) {
  if (format?.type === 'json_object') return {};
  if (format?.type !== 'json_schema') return undefined;
  return { name: format.json_schema.name, ...given('schema', format.json_schema.schema) };
}
