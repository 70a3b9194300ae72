/** Messages, tools and formats in the words of the SDK's language models. */
import type { LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider';
import type { ChatMessage, ChatTool, ToolChoice } from '@millrace/contracts';
import { invalidInput, type JsonValue } from '@millrace/kernel';

type UserPart = Extract<LanguageModelV4Message, { role: 'user' }>['content'][number];
type AssistantPart = Extract<LanguageModelV4Message, { role: 'assistant' }>['content'][number];

/**
 * A conversation as a prompt of the SDK.
 * @throws MillraceError `invalid_messages` for a tool's answer to a call that no message holds, or arguments that are no JSON
 */
export function promptOf(messages: readonly ChatMessage[]): LanguageModelV4Message[] {
  const toolNames = new Map<string, string>();
  return messages.map((message, index): LanguageModelV4Message => {
    switch (message.role) {
      case 'system':
        return { role: 'system', content: message.content };
      case 'user':
        return { role: 'user', content: userParts(message.content) };
      case 'assistant':
        message.toolCalls?.forEach(({ id, name }) => toolNames.set(id, name));
        return { role: 'assistant', content: assistantParts(message, index) };
      case 'tool': {
        const { toolCallId, content } = message;
        const toolName = toolNames.get(toolCallId);
        if (toolName === undefined) throw wrongMessage(index, 'toolCallId', 'is of no call in an earlier message');
        const output = { type: 'text' as const, value: content };
        return { role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName, output }] };
      }
    }
  });
}

function userParts(content: Extract<ChatMessage, { role: 'user' }>['content']): UserPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.map((part): UserPart => (part.type === 'text' ? part : imagePart(part.url)));
}

const dataUrl = /^data:(image\/[a-z]+);base64,(.*)$/s;

/** An address is passed on for the provider to load: loading it here would let a tenant reach what this process can reach. */
function imagePart(url: string): UserPart {
  const [, mediaType, data] = dataUrl.exec(url) ?? [];
  if (mediaType !== undefined && data !== undefined) {
    return { type: 'file', mediaType, data: { type: 'data', data } };
  }
  return { type: 'file', mediaType: 'image/*', data: { type: 'url', url: new URL(url) } };
}

function assistantParts(message: Extract<ChatMessage, { role: 'assistant' }>, index: number): AssistantPart[] {
  const calls = (message.toolCalls ?? []).map(({ id, name, arguments: json }): AssistantPart => {
    return { type: 'tool-call', toolCallId: id, toolName: name, input: parsedArguments(json, index) };
  });
  return message.content === '' && calls.length > 0 ? calls : [{ type: 'text', text: message.content }, ...calls];
}

function parsedArguments(json: string, index: number): JsonValue {
  try {
    return JSON.parse(json === '' ? '{}' : json) as JsonValue;
  } catch {
    throw wrongMessage(index, 'toolCalls', 'holds arguments that are no JSON');
  }
}

const wrongMessage = (index: number, field: string, message: string) =>
  invalidInput('invalid_messages', `The message ${index} ${message}.`, [
    { pointer: `/messages/${index}/${field}`, message },
  ]);

export const toolsOf = (tools: readonly ChatTool[]): NonNullable<LanguageModelV4CallOptions['tools']> =>
  tools.map(({ name, description, parameters }) => ({
    type: 'function',
    name,
    inputSchema: parameters,
    ...(description !== undefined && { description }),
  }));

export const toolChoiceOf = (choice: ToolChoice): NonNullable<LanguageModelV4CallOptions['toolChoice']> =>
  typeof choice === 'string' ? { type: choice } : { type: 'tool', toolName: choice.tool };
