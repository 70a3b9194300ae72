/** What is gathered from a stream is what the library's own reader makes of the same frames. */
import { OpenAICompatibleChatLanguageModel } from '@ai-sdk/openai-compatible';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type AnswerPart, libraryModel } from '../streaming-model.js';
import { GatheredCompletion, parseFrame } from './gathered-completion.js';

const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Where do herons fish?' }] }];
const libraryWith = (fetch: typeof globalThis.fetch): OpenAICompatibleChatLanguageModel =>
  new OpenAICompatibleChatLanguageModel('m', {
    provider: 'openaiCompatible.chat',
    url: () => 'http://127.0.0.1/',
    fetch,
  });

interface Heard {
  readonly text: string;
  readonly thoughts: string;
  readonly toolCalls: readonly object[];
  readonly finish: object | undefined;
}

function heardOf(parts: readonly AnswerPart[]): Heard {
  const deltas = (type: string): string =>
    parts.map((part) => (part.type === type && 'delta' in part ? part.delta : '')).join('');
  const finish = parts.find((part) => part.type === 'finish');
  return {
    text: deltas('text-delta'),
    thoughts: deltas('reasoning-delta'),
    toolCalls: parts.flatMap((part) =>
      part.type === 'tool-call' ? [{ id: part.toolCallId, name: part.toolName, input: part.input }] : [],
    ),
    finish: finish && { reason: finish.finishReason, usage: finish.usage },
  };
}

async function byLibrary(frames: readonly object[]): Promise<Heard> {
  const body = `${frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join('')}data: [DONE]\n\n`;
  const answer = () => Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
  const parts: AnswerPart[] = [];
  await libraryModel(libraryWith(answer)).stream({ prompt }, (part) => void parts.push(part));
  return heardOf(parts);
}

async function byUs(frames: readonly object[]): Promise<Heard> {
  const parts: AnswerPart[] = [];
  const completion = new GatheredCompletion((part) => void parts.push(part));
  for (const frame of frames) completion.take(parseFrame(JSON.stringify(frame)));
  const { content, finishReason, usage } = await libraryWith(fetch).convertResponse({ body: completion.whole() });
  const calls = content.filter((part) => part.type === 'tool-call');
  return heardOf([...parts, ...calls, { type: 'finish', finishReason, usage }]);
}

const piece = fc.string({ unit: 'grapheme', maxLength: 12 });
const choice = (delta: object, more: object = {}): object => ({ id: 'c', choices: [{ index: 0, delta, ...more }] });
const frame = fc.oneof(
  piece.map((content) => choice({ content })),
  piece.map((content) => choice({ role: 'assistant', content })),
  piece.map((reasoning_content) => choice({ reasoning_content })),
  fc.tuple(piece, piece).map(([content, reasoning]) => choice({ content, reasoning })),
  piece.map((refusal) => choice({ content: null, refusal })),
  piece.map((text) => choice({ content: [{ type: 'text', text }, { type: 'other' }] })),
  piece.map((text) => choice({ content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }] })),
  fc.constant({ id: 'c', choices: [] }),
  fc.constant({ id: 'c', choices: [{ index: 0 }], other: true }),
);
const usage = fc.record(
  {
    prompt_tokens: fc.option(fc.nat(1_000)),
    completion_tokens: fc.nat(1_000),
    prompt_tokens_details: fc.record({ cached_tokens: fc.option(fc.nat(100)) }),
  },
  { requiredKeys: [] },
);

/** Calls of tools whose pieces come in any order between each other, as parallel ones do. */
const toolFrames = fc
  .array(fc.record({ name: fc.stringMatching(/^[a-z]{1,8}$/), query: piece }), { maxLength: 3 })
  .chain((calls) => {
    const begun = calls.map(({ name }, index) =>
      choice({ tool_calls: [{ index, id: `call_${index}`, type: 'function', function: { name, arguments: '' } }] }),
    );
    const pieces = calls.flatMap(({ query }, index) => {
      const json = JSON.stringify({ query });
      const half = Math.floor(json.length / 2);
      return [json.slice(0, half), json.slice(half)].map((part) => ({ index, part }));
    });
    // Halves of one call keep their order.
    return fc
      .shuffledSubarray(
        pieces.map(({ index }) => index),
        { minLength: pieces.length, maxLength: pieces.length },
      )
      .map((order) => {
        const left = [...pieces];
        const ordered = order.map(
          (index) =>
            left.splice(
              left.findIndex((each) => each.index === index),
              1,
            )[0],
        );
        return [
          ...begun,
          ...ordered.map((each) =>
            choice({ tool_calls: [{ index: each?.index, function: { arguments: each?.part } }] }),
          ),
        ];
      });
  });

describe('a gathered completion', () => {
  it('is what the library makes of the same frames', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(frame, { maxLength: 12 }),
        toolFrames,
        fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter', 'eos'),
        fc.option(usage),
        async (pieces, tools, finish_reason, used) => {
          const frames = [...pieces, ...tools, choice({}, { finish_reason }), { id: 'c', choices: [], usage: used }];
          expect(await byUs(frames)).toEqual(await byLibrary(frames));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is not whole before the provider says why it ended', () => {
    const completion = new GatheredCompletion(() => undefined);
    completion.take(choice({ content: 'Herons' }));
    expect(completion.whole()).toBeNull();
  });

  it.each(['{', 'null', '7', '"text"', '[]', '{}', '{"choices":7}', '{"choices":[{"delta":{"content":7}}]}'])(
    'refuses %s',
    (data) => {
      const take = () => new GatheredCompletion(() => undefined).take(parseFrame(data));
      expect(take).toThrow(expect.objectContaining({ code: 'provider_invalid_response' }));
    },
  );

  it('never fails in any other way', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (delta, whole) => {
        for (const value of [whole, { choices: [{ delta }] }, { choices: [delta] }]) {
          try {
            new GatheredCompletion(() => undefined).take(value);
          } catch (error) {
            expect(error).toMatchObject({ code: 'provider_invalid_response' });
          }
        }
      }),
    );
  });
});
