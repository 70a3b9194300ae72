import { describe, expect, it } from '@jest/globals';
import { promptOf } from '../providers/language-prompt.js';
import { historyOf } from './chat-history.js';
import { nextPiece } from './prefill.js';
import { constraintOf, readForcedCall } from './tool-calls.js';

describe('the history of a chat', () => {
  it('ends with what the model is about to say', () => {
    const history = historyOf(
      promptOf([
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
      ]),
    );
    expect(history).toEqual([
      { type: 'system', text: 'Be brief.' },
      { type: 'user', text: 'a\nb' },
      { type: 'model', response: [] },
    ]);
  });

  it('has what tools answered with their calls, in one turn of the model', () => {
    const history = historyOf(
      promptOf([
        { role: 'user', content: 'How warm is it?' },
        {
          role: 'assistant',
          content: 'I look.',
          toolCalls: [
            { id: '1', name: 'weather', arguments: '{"city":"Kiel"}' },
            { id: '2', name: 'time', arguments: '' },
          ],
        },
        { role: 'tool', toolCallId: '2', content: 'noon' },
        { role: 'tool', toolCallId: '1', content: '{"celsius":12}' },
      ]),
    );
    expect(history.at(-1)).toEqual({
      type: 'model',
      response: [
        'I look.',
        { type: 'functionCall', name: 'weather', params: { city: 'Kiel' }, result: { celsius: 12 } },
        { type: 'functionCall', name: 'time', params: {}, result: 'noon' },
      ],
    });
  });

  it('holds no images', () => {
    const image = { type: 'image' as const, url: 'https://example.com/a.png' };
    const prompt = promptOf([{ role: 'user', content: [image] }]);
    expect(() => historyOf(prompt)).toThrow(/reads text alone/);
  });
});

describe('what holds the model to a form', () => {
  const tool = {
    type: 'function' as const,
    name: 'weather',
    inputSchema: { type: 'object' as const, properties: { city: { type: 'string' as const } } },
  };

  it('is a schema, tools, or a call', () => {
    expect(constraintOf({})).toEqual({ forced: false, instruction: null });
    expect(constraintOf({ responseFormat: { type: 'json' } }).schema).toEqual({
      type: 'object',
      additionalProperties: true,
    });
    expect(Object.keys(constraintOf({ tools: [tool] }).functions ?? {})).toEqual(['weather']);
    expect(constraintOf({ tools: [tool], toolChoice: { type: 'none' } }).functions).toBeUndefined();
    expect(constraintOf({ tools: [tool], toolChoice: { type: 'required' } })).toMatchObject({ forced: true });
  });

  it('is not two of them at once, and no tool that is not there', () => {
    expect(() => constraintOf({ tools: [tool], responseFormat: { type: 'json' } })).toThrow(/not both/);
    expect(() => constraintOf({ tools: [tool], toolChoice: { type: 'tool', toolName: 'other' } })).toThrow(/not there/);
  });

  it('reads a forced call, and none where it was cut', () => {
    expect(readForcedCall('{"name":"weather","arguments":{"city":"Kiel"}}')).toEqual([['weather', { city: 'Kiel' }]]);
    expect(readForcedCall('{"name":"weather","argu')).toEqual([]);
  });
});

describe('the pieces of a prompt', () => {
  it('grow while they are quick, and shrink to what takes a third of a second', () => {
    expect(nextPiece(32, 1)).toBe(64);
    expect(nextPiece(512, 1)).toBe(512);
    expect(nextPiece(512, 3_000)).toBe(51);
    expect(nextPiece(1, 60_000)).toBe(1);
  });
});
