import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { answeringNode, answerText, graphInput, graphOf } from './graph-answer.js';

const messages = [
  { role: 'developer' as const, content: 'Be brief.' },
  {
    role: 'user' as const,
    content: [
      { type: 'text' as const, text: 'Where do herons' },
      { type: 'text' as const, text: 'fish?' },
    ],
  },
];
const taking = (properties: JsonObject, required: string[] = []): JsonObject => ({
  input: { type: 'object', properties, required },
});

describe('a graph as a model', () => {
  it('is named by its prefix', () => {
    expect(['graph:content@3', 'openai/graph:x', 'graph'].map(graphOf)).toEqual(['content@3', null, null]);
  });

  it('gets the conversation, the last words, or both, as its schema names them', () => {
    const conversation = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Where do herons\nfish?' },
    ];
    const prompt = 'Where do herons\nfish?';
    expect(graphInput(taking({ messages: {}, prompt: {} }), { messages })).toEqual({ messages: conversation, prompt });
    expect(graphInput(taking({ prompt: {} }), { messages })).toEqual({ prompt });
    expect(graphInput(taking({ topic: {} }, ['topic']), { messages })).toEqual({ topic: prompt });
    const metadata = { collection: 'birds' };
    expect(graphInput(taking({}, ['topic', 'collection']), { messages, metadata })).toEqual({
      topic: prompt,
      ...metadata,
    });
    expect(graphInput(taking({}, ['a', 'b']), { messages })).toEqual({});
    expect(graphInput({}, { messages })).toEqual({});
  });

  it('answers with the text of a node, where its output says so', () => {
    const text = '${{ nodes.draft.output.text }}';
    const outputs: JsonValue[] = [
      text,
      { answer: text, model: 'x' },
      { markdown: '${{nodes.draft.output.json.markdown}}' },
    ];
    expect(outputs.map((output) => answeringNode({ output }))).toEqual(['draft', 'draft', 'draft']);
    expect([`Answer: ${text}`, { other: text }, null, [text]].map((output) => answeringNode({ output }))).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it('answers in text, whatever its output is', () => {
    const outputs: JsonValue[] = ['a', { text: 'b', n: 1 }, { n: 1 }, null, [1]];
    expect(outputs.map(answerText)).toEqual(['a', 'b', '{"n":1}', 'null', '[1]']);
  });
});
