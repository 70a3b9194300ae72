/** The items of a conversation: as a caller sends them, as they are kept, and as they are said to a model again. */
import type { OpenAiInputItem, OpenAiOutputItem, OpenAiResponsesRequest, OpenAiStoredInput } from '@millrace/contracts';
import { newId } from '@millrace/kernel';

/** What is kept of a response: one thing that it was asked or answered. */
export type StoredItem = OpenAiStoredInput | OpenAiOutputItem;

export type ItemReference = Extract<OpenAiInputItem, { type: 'item_reference' }>;

/** An item that says something itself. */
export type ConversationItem = Exclude<OpenAiInputItem, ItemReference> | StoredItem;

type Message = Extract<ConversationItem, { role: unknown }>;
type Part = Exclude<Message['content'], string>[number];
type StoredMessage = Extract<OpenAiStoredInput, { type: 'message' }>;

export const inputItems = ({ input }: Pick<OpenAiResponsesRequest, 'input'>): readonly OpenAiInputItem[] =>
  typeof input === 'string' ? [{ role: 'user', content: input }] : input;

export const isReference = (item: OpenAiInputItem): item is ItemReference =>
  'type' in item && item.type === 'item_reference';

/**
 * Items as they are kept, each under an id of its own: an item that is said again in another response is another item. Thoughts
 * of a model are left aside, as they are when it is asked.
 */
export const storedInput = (items: readonly ConversationItem[]): OpenAiStoredInput[] =>
  items.flatMap((item): OpenAiStoredInput[] => {
    if ('role' in item) return [storedMessage(item)];
    const status = 'completed' as const;
    switch (item.type) {
      case 'function_call': {
        const { call_id, name, arguments: json } = item;
        return [{ type: 'function_call', id: newId('fc'), call_id, name, arguments: json, status }];
      }
      case 'function_call_output': {
        const { call_id, output } = item;
        return [{ type: 'function_call_output', id: newId('fco'), call_id, output, status }];
      }
      case 'reasoning':
        return [];
    }
  });

function storedMessage({ role, content }: Message): StoredMessage {
  const parts: readonly Part[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  return {
    type: 'message',
    id: newId('msg'),
    role,
    status: 'completed',
    content: parts.map((part) => partOf(part, role)),
  };
}

function partOf(part: Part, role: Message['role']): StoredMessage['content'][number] {
  if (part.type === 'refusal') return { type: 'refusal', refusal: part.refusal };
  if (part.type === 'input_image') return { type: 'input_image', image_url: part.image_url, detail: 'auto' };
  return role === 'assistant'
    ? { type: 'output_text', text: part.text, annotations: [] }
    : { type: 'input_text', text: part.text };
}
