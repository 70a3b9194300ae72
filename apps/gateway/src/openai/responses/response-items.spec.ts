import { describe, expect, it } from '@jest/globals';
import { openAiResponsesRequestSchema, openAiStoredInputSchema } from '@millrace/contracts';
import fc from 'fast-check';
import { chatRequestOf } from './chat-of-responses.js';
import { type ConversationItem, inputItems, isReference, storedInput } from './response-items.js';

const words = fc.string({ unit: 'grapheme', maxLength: 20 });
const text = fc.record({
  type: fc.constantFrom('input_text' as const, 'output_text' as const, 'text' as const),
  text: words,
});
const refusal = fc.record({ type: fc.constant('refusal' as const), refusal: words });
const image = fc.record({
  type: fc.constant('input_image' as const),
  image_url: fc.constant('https://example.org/a.png'),
});
const item: fc.Arbitrary<ConversationItem> = fc.oneof(
  fc.record({
    role: fc.constant('user' as const),
    content: fc.oneof(words, fc.array(fc.oneof(text, refusal, image), { maxLength: 4 })),
  }),
  fc.record({
    role: fc.constantFrom('assistant' as const, 'system' as const, 'developer' as const),
    content: fc.oneof(words, fc.array(fc.oneof(text, refusal), { maxLength: 4 })),
  }),
  fc.record({ type: fc.constant('function_call' as const), call_id: words, name: words, arguments: words }),
  fc.record({
    type: fc.constant('function_call_output' as const),
    call_id: words,
    output: fc.oneof(words, fc.array(text, { maxLength: 3 })),
  }),
  fc.constant({ type: 'reasoning' as const }),
);

/** What a model is told, whatever shape it was kept in. */
const told = (items: readonly ConversationItem[]): unknown =>
  chatRequestOf({ model: 'm', input: 'unused' }, items).messages.map((message) => ({
    ...message,
    content:
      message.role === 'user' && typeof message.content === 'string'
        ? [{ type: 'text', text: message.content }]
        : message.content,
  }));

describe('items that are kept', () => {
  it('say the same to a model as those that were sent', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 12 }), (items) => {
        expect(told(storedInput(items))).toEqual(told(items));
      }),
    );
  });

  it('have the shape of the contract, and each an id of its own', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 12 }), (items) => {
        const stored = storedInput(items);
        for (const each of stored) expect(openAiStoredInputSchema.parse(each)).toEqual(each);
        expect(new Set([...stored, ...storedInput(stored)].map(({ id }) => id)).size).toBe(2 * stored.length);
      }),
    );
  });

  it('can be sent again as they are', () => {
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 12 }), (items) => {
        const input = storedInput(items);
        if (input.length === 0) return;
        const request = openAiResponsesRequestSchema.parse({ model: 'm', input });
        const sent = inputItems(request).filter((each) => !isReference(each));
        expect(told(sent as ConversationItem[])).toEqual(told(items));
      }),
    );
  });
});
