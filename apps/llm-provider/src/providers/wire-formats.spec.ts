import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { providerKindSchema, type ProviderKind, type ToolCall } from '@millrace/contracts';
import {
  answersStatus,
  replays,
  startScriptedProvider,
  type Behaviour,
  type ScriptedProvider,
} from '@millrace/testing';
import type { ChatAnswer, ChatRequest } from './chat-model.js';
import { openProvider } from './open-provider.js';
import { ProviderModel } from './provider-model.js';
import { recordings } from './testing/recordings.js';

const canary = 'sk-canary-0123456789abcdef';
let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startScriptedProvider();
});
afterAll(() => provider.stop());

/** How each kind is called: the path below its root, and where its key is. */
const calls: Readonly<Record<ProviderKind, { readonly path: RegExp; readonly key: readonly [string, string] }>> = {
  openai: { path: /^\/v1\/chat\/completions$/, key: ['authorization', `Bearer ${canary}`] },
  'openai-compatible': { path: /^\/v1\/chat\/completions$/, key: ['authorization', `Bearer ${canary}`] },
  'azure-openai': { path: /^\/v1\/openai\/v1\/chat\/completions$/, key: ['api-key', canary] },
  groq: { path: /^\/v1\/chat\/completions$/, key: ['authorization', `Bearer ${canary}`] },
  mistral: { path: /^\/v1\/chat\/completions$/, key: ['authorization', `Bearer ${canary}`] },
  anthropic: { path: /^\/v1\/messages$/, key: ['x-api-key', canary] },
  google: { path: /^\/v1\/models\/recorded-model:streamGenerateContent\?alt=sse$/, key: ['x-goog-api-key', canary] },
};

const question: ChatRequest = { messages: [{ role: 'user', content: 'Where do herons fish?' }] };
const tools = [
  { name: 'look_up', description: 'Finds.', parameters: { type: 'object', properties: { query: { type: 'string' } } } },
];

interface Outcome {
  readonly answer?: ChatAnswer;
  readonly error?: unknown;
  readonly shown: string;
  readonly toolCalls: readonly ToolCall[];
}

async function ask(kind: ProviderKind, behaviour: Behaviour, request = question): Promise<Outcome> {
  provider.script(behaviour);
  const open = await openProvider({ kind, baseUrl: provider.baseUrl, apiKey: canary });
  const model = new ProviderModel({
    name: `${kind}/recorded-model`,
    provider: kind,
    model: open.language('recorded-model'),
    timeouts: { firstTokenMs: 10_000, idleMs: 10_000, totalMs: 20_000 },
    concurrency: 1,
    queue: 1,
    maxTokens: 500,
  });
  let shown = '';
  const toolCalls: ToolCall[] = [];
  const listener = {
    signal: new AbortController().signal,
    onText: (text: string) => void (shown += text),
    onToolCall: (call: ToolCall) => void toolCalls.push(call),
  };
  try {
    return { answer: await model.chat(request, listener), shown, toolCalls };
  } catch (error) {
    return { error, shown, toolCalls };
  }
}

describe.each(providerKindSchema.options)('%s', (kind) => {
  const { path, key } = calls[kind];
  const recorded = recordings[kind];

  it('is asked at its own address with its own key, and answers', async () => {
    const { answer, shown } = await ask(kind, replays(recorded.text));
    const cached = kind === 'mistral' ? {} : { cachedPromptTokens: 8 };
    expect(answer).toEqual({
      text: 'Herons fish.',
      toolCalls: [],
      finishReason: 'stop',
      usage: expect.objectContaining({ promptTokens: 20, completionTokens: 5, ...cached }) as unknown,
      model: `${kind}/recorded-model`,
    });
    expect(shown).toBe('Herons fish.');
    const request = provider.requests.at(-1);
    expect(request?.path).toMatch(path);
    expect(request?.headers[key[0]]).toBe(key[1]);
  });

  it('is given tools and asks for one', async () => {
    const { answer, toolCalls } = await ask(kind, replays(recorded.toolCall), {
      ...question,
      tools,
      toolChoice: 'auto',
    });
    expect(answer?.finishReason).toBe('tool-calls');
    expect(answer?.toolCalls).toHaveLength(1);
    expect(answer?.toolCalls).toEqual(toolCalls);
    const [call] = toolCalls;
    expect(call?.name).toBe('look_up');
    expect(call?.id).not.toBe('');
    expect(JSON.parse(call?.arguments ?? '')).toEqual({ query: 'herons' });
    expect(JSON.stringify(provider.requests.at(-1)?.body)).toContain('"look_up"');
  });

  it('is told what a tool answered', async () => {
    const messages: ChatRequest['messages'] = [
      { role: 'system', content: 'Be brief.' },
      ...question.messages,
      {
        role: 'assistant',
        content: '',
        toolCalls: [{ id: 'call_9', name: 'look_up', arguments: '{"query":"herons"}' }],
      },
      { role: 'tool', toolCallId: 'call_9', content: 'In shallow water.' },
    ];
    const { answer } = await ask(kind, replays(recorded.text), { messages, tools });
    expect(answer?.text).toBe('Herons fish.');
    const sent = JSON.stringify(provider.requests.at(-1)?.body);
    for (const words of ['Be brief.', 'In shallow water.', 'look_up']) expect(sent).toContain(words);
  });

  it('is shown an image', async () => {
    const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=';
    const content = [
      { type: 'text' as const, text: 'What is this?' },
      { type: 'image' as const, url: `data:image/png;base64,${pixel}` },
    ];
    // Groq and Mistral take images in models that have eyes; what is sent is the same.
    const { answer } = await ask(kind, replays(recorded.text), { messages: [{ role: 'user', content }] });
    expect(answer?.text).toBe('Herons fish.');
    expect(JSON.stringify(provider.requests.at(-1)?.body)).toContain(pixel);
  });

  it('says that the token limit was reached', async () => {
    expect((await ask(kind, replays(recorded.cutAtLimit))).answer?.finishReason).toBe('length');
  });

  it('fails with one error of ours when its filter or its server stops it', async () => {
    const filtered = await ask(kind, replays(recorded.filtered));
    // Mistral has no word for its filter: it says that there was an error.
    const code = kind === 'mistral' ? 'provider_stream_cut' : 'provider_refused_content';
    expect(filtered.error).toMatchObject({ code });
    const failed = await ask(kind, replays(recorded.failedMidway));
    expect(failed.error).toMatchObject({
      retryable: true,
      code: expect.stringMatching(/^provider_(unavailable|invalid_response|stream_cut)$/) as unknown,
    });
  });

  it('fails when its stream ends in the middle', async () => {
    const half = recorded.text.slice(0, recorded.text.indexOf('fish.') - 20);
    expect((await ask(kind, replays(half))).error).toMatchObject({ retryable: true });
  });

  it.each([
    [401, 'provider_authentication_failed'],
    [404, 'provider_rejected_request'],
    [429, 'provider_rate_limited'],
    [529, 'provider_unavailable'],
  ])('answers %i: %s, and the key is in no error', async (status, code) => {
    const body = { error: { message: `no: ${canary}`, type: 'some_error', code: 'x', status: 'SOME' } };
    const { error } = await ask(kind, answersStatus(status, body, { 'retry-after': '30' }));
    expect(error).toMatchObject({ code });
    const { message, stack, cause } = error as Error;
    expect(JSON.stringify([message, stack, cause])).not.toContain(canary);
  });
});
