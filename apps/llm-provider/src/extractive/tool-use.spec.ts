import { describe, expect, it } from '@jest/globals';
import type { ChatMessage, ChatTool } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import fc from 'fast-check';
import type { CompletionRequest } from '../completion/completion-model.js';
import { extractiveModel } from './extractive-model.js';
import { beeEvidence } from './testing/corpus.js';

const tool = (name: string, properties: JsonObject = {}, required = Object.keys(properties)): ChatTool => ({
  name,
  parameters: { type: 'object', properties, required },
});
const echo = tool('echo');
const calculate = tool('calculate', { expression: { type: 'string' } });
const delay = tool('delay', { milliseconds: { type: 'integer' } });
const finish = tool('finish', { value: { type: 'number' }, words: { type: 'string' } });

const user = (content: string): ChatMessage => ({ role: 'user', content });
const called = (name: string, content: string, id = 'a'): ChatMessage[] => [
  { role: 'assistant', content: '', toolCalls: [{ id, name, arguments: '{}' }] },
  { role: 'tool', toolCallId: id, content },
];

const answer = (messages: readonly ChatMessage[], rest: Partial<CompletionRequest> = {}) =>
  extractiveModel.complete(
    { prompt: null, messages, evidence: [], answer: { kind: 'text' }, tools: [echo, calculate, delay], ...rest },
    { signal: new AbortController().signal, emit: () => undefined },
  );
const callsFor = async (text: string, rest: Partial<CompletionRequest> = {}) =>
  ((await answer([user(text)], rest)).toolCalls ?? []).map(({ name, arguments: given }) => [
    name,
    JSON.parse(given) as unknown,
  ]);

describe('the model that is none, with tools', () => {
  it.each<[string, [string, JsonObject][]]>([
    ['echo {"a": {"b": "}"}} please', [['echo', { a: { b: '}' } }]]],
    [
      'Use echo with {"a": 1}, then calculate "1 + 2".',
      [
        ['echo', { a: 1 }],
        ['calculate', { expression: '1 + 2' }],
      ],
    ],
    ['calculate: 6 * 7', [['calculate', { expression: '6 * 7' }]]],
    ['delay for 250 milliseconds', [['delay', { milliseconds: 250 }]]],
    ['delay', [['delay', {}]]],
    ['echo {"broken": ', [['echo', {}]]],
  ])('calls what %j names, in its order', async (text, calls) => {
    expect(await callsFor(text)).toEqual(calls);
  });

  it.each(['What is an echoing valley?', 'Say nothing.', 'my-echo', ''])('finds no tool in %j', async (text) => {
    await expect(answer([user(text)])).rejects.toMatchObject({ code: 'no_evidence' });
  });

  it('says what the tools said since the request, and nothing else', async () => {
    const messages = [
      user('echo'),
      ...called('echo', 'old'),
      user('delay 5'),
      ...called('delay', '{"milliseconds":5}'),
    ];
    expect(await answer(messages)).toMatchObject({ text: 'delay: {"milliseconds":5}', finishReason: 'stop' });
  });

  it('ends with what it is asked for where that has a schema', async () => {
    const messages = [user('calculate "6 * 7"'), ...called('calculate', '{"expression":"6 * 7","value":42}')];
    const { toolCalls = [] } = await answer(messages, { tools: [calculate, finish] });
    expect(toolCalls).toMatchObject([{ name: 'finish' }]);
    expect(JSON.parse(toolCalls[0]?.arguments ?? '')).toEqual({
      value: 42,
      words: expect.stringMatching(/^calculate: /),
    });
    expect(
      (await answer([user('Anything.')], { tools: [finish], toolChoice: { tool: 'finish' } })).toolCalls,
    ).toMatchObject([{ name: 'finish', arguments: '{"words":"Anything."}' }]);
  });

  it('answers from the passages that a tool has found, with citations, and says what the others said', async () => {
    const found = (count: number) => JSON.stringify({ untrusted: { passagesInEvidence: count, sources: [] } });
    const messages = [
      user('How do bees make honey? find "honey" and echo'),
      ...called('find', found(3)),
      ...called('echo', 'said', 'b'),
    ];
    const completion = await answer(messages, { evidence: beeEvidence() });
    expect(completion.text).toMatch(/^echo: said\n\n.*\[1\]/s);
    expect(completion.text).not.toContain('untrusted');
    expect(completion.citations.length).toBeGreaterThan(0);
    const nothing = [user('find "honey"'), ...called('find', found(0))];
    expect(await answer(nothing, { evidence: beeEvidence() })).toMatchObject({
      text: `find: ${found(0)}`,
      citations: [],
    });
  });

  it('ends with what data holds that nobody vouches for, too', async () => {
    const messages = [user('rows'), ...called('rows', '{"untrusted":{"value":7}}')];
    const { toolCalls = [] } = await answer(messages, { tools: [finish] });
    expect(JSON.parse(toolCalls[0]?.arguments ?? '')).toMatchObject({ value: 7 });
  });

  it('calls none where none may be called', async () => {
    await expect(answer([user('echo {"a": 1}')], { toolChoice: 'none' })).rejects.toMatchObject({
      code: 'no_evidence',
    });
    expect(await answer([user('echo'), ...called('echo', 'x')], { toolChoice: 'none' })).toMatchObject({
      text: 'echo: x',
    });
  });

  it('does no more than a bounded number of calls, whatever it is told, and each with JSON', async () => {
    expect(await callsFor('echo '.repeat(5_000))).toHaveLength(16);
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 200 }), async (text) => {
        const calls = await callsFor(`echo ${text}`);
        expect(calls.length).toBeGreaterThanOrEqual(1);
        for (const [, given] of calls) expect(given).toBeInstanceOf(Object);
      }),
    );
  });
});
