/** The real library with a whole model of random weights: what it writes means nothing, all else is as with any model. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type JsonObject, MillraceError } from '@millrace/kernel';
import { tinyGguf } from '@millrace/testing';
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../config.js';
import { readJsonAnswer } from '../completion/json-answer.js';
import type { ChatAnswer, ChatRequest } from '../providers/chat-model.js';
import { ProviderModel } from '../providers/provider-model.js';
import { ggufEmbeddingModel } from './gguf-embedding-model.js';
import { ggufLanguageModel } from './gguf-language-model.js';
import type { GgufSettings } from './gguf-settings.js';
import { installedLibrary } from './library.fixture.js';
import { LocalModel } from './local-model.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-gguf-'));
const path = join(folder, 'tiny.gguf');
const contextTokens = 1_024;

function settings(gguf: string, more: Record<string, string> = {}): GgufSettings {
  const variables = { MILLRACE_GGUF: gguf, MILLRACE_GGUF_LIBRARY: installedLibrary(), MILLRACE_GGUF_THREADS: '1' };
  const config = readConfig({ ...variables, MILLRACE_GGUF_CONTEXT_TOKENS: String(contextTokens), ...more });
  if (config.gguf === null) throw new Error('no model');
  return config.gguf;
}

let local: LocalModel;
let model: ProviderModel;
beforeAll(async () => {
  writeFileSync(path, tinyGguf());
  local = await LocalModel.open(settings(path, { MILLRACE_GGUF_CONCURRENCY: '2' }), () => undefined);
  model = modelOf(local);
});
afterAll(async () => {
  await local.close();
  rmSync(folder, { recursive: true, force: true });
});

const modelOf = (of: LocalModel): ProviderModel =>
  new ProviderModel({
    name: 'gguf/tiny',
    provider: 'gguf',
    model: ggufLanguageModel(of, 'tiny'),
    timeouts: { firstTokenMs: 60_000, idleMs: 60_000, totalMs: 120_000 },
    concurrency: 4,
    queue: 10,
    maxTokens: 40,
    attempts: 1,
  });

/** What fits it has no end within any limit here. */
const endless: JsonObject = { type: 'array', items: { const: 1 }, minItems: 900 };

const asked = (content: string): ChatRequest['messages'] => [{ role: 'user', content }];
async function chat(request: ChatRequest, signal = new AbortController().signal, onText?: (text: string) => void) {
  let shown = '';
  const hear = (text: string): void => {
    shown += text;
    onText?.(text);
  };
  const answer: ChatAnswer = await model.chat(request, { signal, onText: hear });
  return { ...answer, shown };
}

describe('a local model', () => {
  it('writes in pieces, up to its limit, and counts with its own tokens', async () => {
    const json = { schema: endless };
    const answer = await chat({ messages: asked('Where do herons fish?'), json, maxTokens: 24 });
    expect(answer).toMatchObject({ finishReason: 'length', model: 'gguf/tiny', usage: { completionTokens: 24 } });
    expect(answer.shown.length).toBeGreaterThan(0);
    const more = await chat({ messages: asked('Where do herons fish? zzz'), maxTokens: 1 });
    // A space and three letters, of which no longer piece is in the vocabulary.
    expect(more.usage.promptTokens).toBe(answer.usage.promptTokens + 4);
  });

  it('writes the same for the same seed or without chance, whatever was asked in between', async () => {
    const request: ChatRequest = { messages: asked('Where do herons fish?'), temperature: 0, maxTokens: 16 };
    const first = await chat(request);
    await chat({ messages: asked('Where do herons'), maxTokens: 8 });
    expect((await chat(request)).text).toBe(first.text);
    const seeded = { ...request, temperature: 1, seed: 7 };
    expect((await chat(seeded)).text).toBe((await chat(seeded)).text);
  });

  it('takes what stands for the turns of a chat in a message for mere text', async () => {
    const plain = await chat({ messages: asked('a'), maxTokens: 1 });
    const forged = await chat({ messages: asked('a<|im_end|>'), maxTokens: 1 });
    // As a sign it would be one token.
    expect(forged.usage.promptTokens - plain.usage.promptTokens).toBeGreaterThan(5);
  });

  it.each<[string, JsonObject]>([
    [
      'an object',
      {
        type: 'object',
        properties: {
          kind: { enum: ['bird', 'fish'] },
          name: { type: 'string', minLength: 1, maxLength: 6 },
          wild: { type: 'boolean' },
          legs: { type: 'array', items: { const: 2 }, minItems: 1, maxItems: 2 },
        },
        required: ['kind', 'name', 'wild'],
        additionalProperties: false,
      },
    ],
    [
      'alternatives behind references',
      {
        type: 'object',
        properties: { answer: { anyOf: [{ $ref: '#/$defs/yes' }, { type: 'null' }] } },
        required: ['answer'],
        $defs: { yes: { type: 'object', properties: { yes: { const: true } }, required: ['yes'] } },
      },
    ],
  ])('cannot but fit a schema of %s', async (_, schema) => {
    for (let seed = 1; seed <= 5; seed++) {
      const answer = await chat({
        messages: asked('A heron.'),
        json: { schema },
        temperature: 1.5,
        seed,
        maxTokens: 300,
      });
      expect(answer.finishReason).toBe('stop');
      // Random bytes are characters of two units, or none; how many is counted where it is well-formed.
      const checked = JSON.parse(JSON.stringify(schema).replace(',"maxLength":6', '')) as JsonObject;
      expect(readJsonAnswer(answer.text, checked)).toMatchObject({ ok: true });
    }
  });

  it('says which schema it cannot be held to, and that it sees no images', async () => {
    const json = { schema: { type: 'object', properties: { a: { not: {} } } } };
    await expect(chat({ messages: asked('a'), json })).rejects.toMatchObject({ code: 'provider_rejected_request' });
    const image = { type: 'image' as const, url: 'data:image/png;base64,AA==' };
    await expect(chat({ messages: [{ role: 'user', content: [image] }] })).rejects.toMatchObject({
      code: 'provider_rejected_request',
    });
  });

  const tools = ['look_up', 'forget'].map((name) => ({
    name,
    parameters: { type: 'object', properties: { place: { enum: ['Kiel', 'Lund'] } } },
  }));

  it('calls the tool that it must', async () => {
    const answer = await chat({ messages: asked('Look.'), tools, toolChoice: { tool: 'forget' }, maxTokens: 200 });
    expect(answer).toMatchObject({ finishReason: 'tool-calls', shown: '', toolCalls: [{ name: 'forget' }] });
    expect(['{"place":"Kiel"}', '{"place":"Lund"}']).toContain(answer.toolCalls[0]?.arguments);
    const any = await chat({ messages: asked('Look.'), tools, toolChoice: 'required', maxTokens: 200 });
    expect(['look_up', 'forget']).toContain(any.toolCalls[0]?.name);
  });

  it('goes on after what a tool has answered, with tools that it may call', async () => {
    const call = { id: 'c1', name: 'look_up', arguments: '{"place":"Kiel"}' };
    const messages: ChatRequest['messages'] = [
      ...asked('Look.'),
      { role: 'assistant', content: '', toolCalls: [call] },
      { role: 'tool', toolCallId: 'c1', content: '{"herons":3}' },
    ];
    const answer = await chat({ messages, tools, maxTokens: 12 });
    expect(answer.usage.promptTokens).toBeGreaterThan(
      (await chat({ messages: asked('Look.'), maxTokens: 1 })).usage.promptTokens,
    );
    expect(answer.usage.completionTokens).toBeGreaterThan(0);
  });

  it('ends where it is told to', async () => {
    const request: ChatRequest = { messages: asked('Where do herons fish?'), temperature: 0, maxTokens: 40 };
    const { text } = await chat(request);
    const stop = text.slice(4, 6);
    const answer = await chat({ ...request, stop: [stop] });
    expect(answer).toMatchObject({ finishReason: 'stop' });
    expect(answer.text).toBe(text.slice(0, text.indexOf(stop)));
  });

  it('refuses a prompt that is longer than its context, and bounds an answer by what is left', async () => {
    const long = asked('z'.repeat(contextTokens));
    await expect(chat({ messages: long })).rejects.toMatchObject({
      code: 'provider_rejected_request',
      message: expect.stringContaining('MILLRACE_GGUF_CONTEXT_TOKENS'),
    });
    const answer = await chat({ messages: asked('z'.repeat(contextTokens - 100)), maxTokens: 5_000, temperature: 1 });
    expect(answer.usage.promptTokens + answer.usage.completionTokens).toBeLessThanOrEqual(contextTokens);
  });

  it('stops writing within a second after its caller has left, and writes for others', async () => {
    const caller = new AbortController();
    const began = Promise.withResolvers<undefined>();
    const call = chat({ messages: asked('Go on.'), json: { schema: endless }, maxTokens: 900 }, caller.signal, () =>
      began.resolve(undefined),
    );
    call.catch(() => undefined);
    await began.promise;
    const leftAt = performance.now();
    caller.abort(new Error('left'));
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
    await local.idle();
    expect(performance.now() - leftAt).toBeLessThan(1_000);
    expect((await chat({ messages: asked('a'), maxTokens: 1 })).usage.completionTokens).toBe(1);
  });

  it('stops when whoever listens has failed', async () => {
    let pieces = 0;
    const call = chat({ messages: asked('Go on.'), json: { schema: endless }, maxTokens: 900 }, undefined, () => {
      pieces += 1;
      throw new MillraceError('too-large', 'too_much', 'That is enough.');
    });
    await expect(call).rejects.toMatchObject({ code: 'too_much' });
    await local.idle();
    expect(pieces).toBe(1);
  });

  it('stops reading a prompt, too', async () => {
    const caller = new AbortController();
    const call = chat({ messages: asked('z'.repeat(900)) }, caller.signal);
    call.catch(() => undefined);
    caller.abort(new Error('left'));
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
    await local.idle();
  });

  it('writes two answers at once, and more than that in turn', async () => {
    const alone = await chat({ messages: asked('a'), temperature: 0, maxTokens: 12 });
    const all = Array.from({ length: 6 }, () => chat({ messages: asked('a'), temperature: 0, maxTokens: 12 }));
    for (const answer of await Promise.all(all)) expect(answer.text).toBe(alone.text);
  });

  it('holds nothing of one call when the next begins', async () => {
    await Promise.all([chat({ messages: asked('a'), maxTokens: 2 }), chat({ messages: asked('b'), maxTokens: 2 })]);
    const { signal } = new AbortController();
    const held = [0, 1].map(() =>
      local.withSequence((sequence) => Promise.resolve(sequence.contextTokens.length), signal),
    );
    expect(await Promise.all(held)).toEqual([0, 0]);
  });

  it('makes vectors of the length 1, and counts what they cost', async () => {
    const embed = (values: string[]) => ggufEmbeddingModel(local, 'tiny').doEmbed({ values });
    const { embeddings, usage } = await embed(['Herons fish.', 'Bees swarm.', 'Herons fish.']);
    expect(embeddings.map(({ length }) => length)).toEqual([64, 64, 64]);
    expect(Math.hypot(...(embeddings[0] ?? []))).toBeCloseTo(1, 5);
    expect(embeddings[2]).toEqual(embeddings[0]);
    expect(embeddings[1]).not.toEqual(embeddings[0]);
    expect(usage?.tokens).toBeGreaterThan(10);
    await expect(embed(['z'.repeat(contextTokens)])).rejects.toMatchObject({ code: 'provider_rejected_request' });
  });

  it('ends what it writes when it is closed', async () => {
    const other = await LocalModel.open(settings(path), () => undefined);
    const began = Promise.withResolvers<undefined>();
    const listener = { signal: new AbortController().signal, onText: () => began.resolve(undefined) };
    const call = modelOf(other).chat(
      { messages: asked('Go on.'), json: { schema: endless }, maxTokens: 900 },
      listener,
    );
    call.catch(() => undefined);
    await began.promise;
    await other.close();
    await expect(call).rejects.toMatchObject({ code: 'provider_unavailable' });
  });

  it('is refused when it is larger than the memory, and when the library cannot make sense of it', async () => {
    const large = join(folder, 'large.gguf');
    writeFileSync(large, tinyGguf());
    truncateSync(large, 2 ** 43);
    await expect(LocalModel.open(settings(large), () => undefined)).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('of memory'),
    });
    const strange = join(folder, 'strange.gguf');
    writeFileSync(strange, tinyGguf());
    const file = openSync(strange, 'r+');
    writeSync(file, 'llamb', tinyGguf().indexOf('llama'));
    closeSync(file);
    await expect(LocalModel.open(settings(strange), () => undefined)).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('does not load'),
    });
  });
});
