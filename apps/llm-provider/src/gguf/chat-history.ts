import type { LanguageModelV4Prompt } from '@ai-sdk/provider';
import type { JsonValue } from '@millrace/kernel';
import { providerError } from '../providers/provider-error.js';
import type { FunctionCallItem, HistoryItem } from './llama-library.js';

/**
 * A prompt as the history of a chat, its last item what the model is about to say. What tools answered stands with their calls.
 * @throws MillraceError `provider_rejected_request` for images and other files
 */
export function historyOf(prompt: LanguageModelV4Prompt): HistoryItem[] {
  const history: HistoryItem[] = [];
  const calls = new Map<string, FunctionCallItem>();
  const said = (): (string | FunctionCallItem)[] => {
    const last = history.at(-1);
    if (last?.type === 'model') return last.response;
    const response: (string | FunctionCallItem)[] = [];
    history.push({ type: 'model', response });
    return response;
  };
  for (const message of prompt) {
    if (message.role === 'system') history.push({ type: 'system', text: message.content });
    if (message.role === 'user') history.push({ type: 'user', text: message.content.map(textOf).join('\n') });
    if (message.role === 'assistant')
      for (const part of message.content) {
        if (part.type === 'text') said().push(part.text);
        if (part.type !== 'tool-call') continue;
        const call: FunctionCallItem = {
          type: 'functionCall',
          name: part.toolName,
          params: part.input as JsonValue,
          result: null,
        };
        calls.set(part.toolCallId, call);
        said().push(call);
      }
    if (message.role === 'tool')
      for (const part of message.content) {
        const call = part.type === 'tool-result' ? calls.get(part.toolCallId) : undefined;
        if (call !== undefined && part.type === 'tool-result') call.result = resultOf(part.output);
      }
  }
  said();
  return history;
}

type UserPart = Extract<LanguageModelV4Prompt[number], { role: 'user' }>['content'][number];

function textOf(part: UserPart): string {
  if (part.type === 'text') return part.text;
  throw providerError('provider_rejected_request', 'The local model reads text alone, and a message holds a file.');
}

/** Tools answer with texts; one that is JSON reads better as what it is. */
function resultOf(output: { readonly type: string; readonly value?: unknown }): JsonValue {
  if (typeof output.value !== 'string') return (output.value ?? null) as JsonValue;
  try {
    return JSON.parse(output.value) as JsonValue;
  } catch {
    return output.value;
  }
}
