import type { OpenAiChatRequest, OpenAiMessage, OpenAiResponsesRequest } from '@millrace/contracts';
import { invalidInput, type MillraceError } from '@millrace/kernel';
import type { ConversationItem } from './response-items.js';

type Message = Extract<ConversationItem, { role: unknown }>;
type Part = Exclude<Message['content'], string>[number];

const wantsLogprobs = 'message.output_text.logprobs';

/** A request for a response as one for a chat completion: what follows is the same. `items` are the whole conversation. */
export function chatRequestOf(request: OpenAiResponsesRequest, items: readonly ConversationItem[]): OpenAiChatRequest {
  const { model, stream, temperature, top_p, metadata, cache, top_logprobs } = request;
  const logprobs = request.include?.includes(wantsLogprobs) === true || (top_logprobs ?? 0) > 0;
  return {
    model,
    messages: messagesOf(request.instructions, items),
    stream,
    temperature,
    top_p,
    metadata,
    cache,
    max_completion_tokens: request.max_output_tokens,
    tools: request.tools?.map(toolOf),
    tool_choice: toolChoiceOf(request.tool_choice),
    response_format: formatOf(request.text?.format),
    ...(logprobs && { logprobs, top_logprobs: top_logprobs ?? 0 }),
  };
}

function messagesOf(
  instructions: OpenAiResponsesRequest['instructions'],
  items: readonly ConversationItem[],
): OpenAiMessage[] {
  const messages: OpenAiMessage[] = [];
  if (instructions != null && instructions !== '') messages.push({ role: 'system', content: instructions });
  for (const item of items) take(messages, item);
  return messages;
}

function take(messages: OpenAiMessage[], item: ConversationItem): void {
  if ('role' in item) messages.push(messageOf(item));
  else if (item.type === 'function_call') {
    const { call_id: id, name, arguments: json } = item;
    const call = { id, type: 'function' as const, function: { name, arguments: json } };
    const last = messages.at(-1);
    // Calls at the same time are calls of one message, which may hold text before them.
    if (last?.role === 'assistant') last.tool_calls = [...(last.tool_calls ?? []), call];
    else messages.push({ role: 'assistant', content: null, tool_calls: [call] });
  } else if (item.type === 'function_call_output') {
    const { call_id, output } = item;
    messages.push({
      role: 'tool',
      tool_call_id: call_id,
      content: typeof output === 'string' ? output : textsOf(output),
    });
  }
}

function messageOf({ role, content }: Message): OpenAiMessage {
  if (role !== 'user') return { role, content: typeof content === 'string' ? content : textsOf(content) };
  return { role, content: typeof content === 'string' ? content : content.map(partOf) };
}

const partOf = (part: Part) =>
  part.type === 'input_image'
    ? { type: 'image_url' as const, image_url: { url: part.image_url } }
    : { type: 'text' as const, text: wordsOf(part) };

const textsOf = (parts: readonly Part[]): string => parts.map(wordsOf).join('\n');

/** @throws MillraceError `invalid_body` for an image that no model would be shown */
function wordsOf(part: Part): string {
  if (part.type === 'input_image') throw misplacedImage();
  return part.type === 'refusal' ? part.refusal : part.text;
}

const misplacedImage = (): MillraceError =>
  invalidInput('invalid_body', 'An image is shown to a model by a message of the user.', [
    { pointer: '/input', message: 'holds an image in a message of another role' },
  ]);

const toolOf = ({ name, description, parameters }: NonNullable<OpenAiResponsesRequest['tools']>[number]) => ({
  type: 'function' as const,
  function: { name, ...(description != null && { description }), ...(parameters != null && { parameters }) },
});

const toolChoiceOf = (choice: OpenAiResponsesRequest['tool_choice']) =>
  typeof choice === 'object' && choice !== null ? { type: choice.type, function: { name: choice.name } } : choice;

type Format = NonNullable<OpenAiResponsesRequest['text']>['format'];

const formatOf = (format: Format): OpenAiChatRequest['response_format'] =>
  format?.type === 'json_schema'
    ? { type: 'json_schema', json_schema: { name: format.name, schema: format.schema } }
    : format;
