import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Cache, openCache } from '@millrace/cache';
import { MillraceError, newId } from '@millrace/kernel';
import {
  answers,
  answersStatus,
  callsTools,
  eventually,
  hangs,
  startRedis,
  startScriptedProvider,
  type RedisServer,
  type ScriptedProvider,
} from '@millrace/testing';
import type { ChatAnswer, ChatRequest } from '../providers/chat-model.js';
import { openProvider } from '../providers/open-provider.js';
import { ProviderModel } from '../providers/provider-model.js';
import { CallAccount } from '../spending/call-account.js';
import { CachedModel } from './cached-model.js';

let provider: ScriptedProvider;
let redis: RedisServer;
/** Two processes. */
let caches: readonly [Cache, Cache];
beforeAll(async () => {
  [provider, redis] = await Promise.all([startScriptedProvider(), startRedis({ exclusive: true })]);
  const open = () => openCache({ redisUrl: redis.url });
  caches = [await open(), await open()];
});
afterAll(async () => {
  await Promise.all(caches.map((cache) => cache.close()));
  await Promise.all([provider.stop(), redis.stop()]);
});
let before: number;
let tenantId: string;
beforeEach(() => {
  provider.script(answers('Well.'));
  before = provider.requests.length;
  tenantId = newId('tenant').slice(0, 40);
});
const asked = (): number => provider.requests.length - before;

async function modelOf(cache: Cache, identity = 'p/small'): Promise<CachedModel> {
  const open = await openProvider({ kind: 'openai-compatible', baseUrl: provider.baseUrl, apiKey: null });
  const model = new ProviderModel({
    name: 'p/small',
    provider: 'openai-compatible',
    model: open.language('small'),
    timeouts: { firstTokenMs: 2_000, idleMs: 500, totalMs: 5_000 },
    concurrency: 100,
    queue: 0,
    maxTokens: 100,
    attempts: 1,
  });
  return new CachedModel(model, { cache, identity, byDefault: undefined });
}

const saying = (content: string, more: Partial<ChatRequest> = {}): ChatRequest => ({
  messages: [{ role: 'user', content }],
  temperature: 0,
  cache: { mode: 'exact', ttlSeconds: 60 },
  ...more,
});

interface Asking {
  readonly signal?: AbortSignal;
  readonly of?: string;
  readonly onText?: (text: string) => void;
}
const ask = (
  model: CachedModel,
  request: ChatRequest,
  { signal, of = tenantId, onText }: Asking = {},
): Promise<ChatAnswer> =>
  model.chat(request, {
    signal: signal ?? new AbortController().signal,
    account: new CallAccount({ tenantId: of, keyId: null, callId: 'call' }),
    onText: onText ?? (() => undefined),
  });

describe('answers', () => {
  it('are given again, by another process as well, for nothing, and say so', async () => {
    const [first, second] = await Promise.all(caches.map((cache) => modelOf(cache)));
    const made = await ask(first as CachedModel, saying('Why?'));
    expect(made).toMatchObject({ text: 'Well.', usage: { promptTokens: 11 } });
    expect(made.cached).toBeUndefined();
    let shown = '';
    for (const model of [first, second]) {
      const again = await ask(model as CachedModel, saying('Why?'), { onText: (text) => void (shown += text) });
      const nothing = { promptTokens: 0, completionTokens: 0 };
      expect(again).toEqual({
        text: 'Well.',
        toolCalls: [],
        finishReason: 'stop',
        model: 'p/small',
        usage: nothing,
        cached: 'exact',
      });
    }
    expect(shown).toBe('Well.Well.');
    expect(asked()).toBe(1);
  });

  it('are found by everything that they depend on, and by their tenant', async () => {
    const model = await modelOf(caches[0]);
    await ask(model, saying('Why?'));
    const others: ChatRequest[] = [
      saying('Why not?'),
      saying('Why?', { maxTokens: 5 }),
      saying('Why?', { seed: 7 }),
      saying('Why?', { topP: 0.5 }),
      saying('Why?', { stop: ['x'] }),
      saying('Why?', { json: {} }),
      saying('Why?', { json: { schema: { type: 'object' } } }),
      saying('Why?', {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Why?' },
        ],
      }),
      saying('Why?', { cache: { mode: 'exact', ttlSeconds: 61 } }),
    ];
    for (const request of others) expect((await ask(model, request)).cached).toBeUndefined();
    expect((await ask(await modelOf(caches[0], 'p/small of another address'), saying('Why?'))).cached).toBeUndefined();
    expect((await ask(model, saying('Why?'), { of: `${tenantId}x` })).cached).toBeUndefined();
    expect(asked()).toBe(others.length + 3);
    // The order of keys is none of it.
    const { temperature, ...rest } = saying('Why?');
    expect((await ask(model, { temperature: temperature ?? 0, ...rest })).cached).toBe('exact');
  });

  it('are asked for once by many at the same time', async () => {
    const model = await modelOf(caches[0]);
    const all = await Promise.all(Array.from({ length: 40 }, () => ask(model, saying('Why?'))));
    expect(asked()).toBe(1);
    expect(all.filter(({ cached }) => cached === undefined)).toHaveLength(1);
    expect(new Set(all.map(({ text }) => text))).toEqual(new Set(['Well.']));
  });

  it('come to those who wait though the one who asked gives up', async () => {
    const model = await modelOf(caches[0]);
    provider.script(hangs, answers('Well.'));
    const first = new AbortController();
    const leading = ask(model, saying('Why?'), { signal: first.signal });
    await eventually(() => asked() === 1);
    const waiting = [ask(model, saying('Why?')), ask(model, saying('Why?'))];
    first.abort(new MillraceError('cancelled', 'call_cancelled', 'Enough.'));
    await expect(leading).rejects.toMatchObject({ code: 'call_cancelled' });
    expect((await Promise.all(waiting)).map(({ text }) => text)).toEqual(['Well.', 'Well.']);
    expect(asked()).toBe(2);
  });

  it('are not kept where the call failed or the answer is no whole text', async () => {
    const model = await modelOf(caches[0]);
    provider.script(answersStatus(400), callsTools({ id: 'c', name: 'f', arguments: '{}' }), answers('Well.'));
    await expect(ask(model, saying('Why?'))).rejects.toMatchObject({ code: 'provider_rejected_request' });
    expect((await ask(model, saying('Why?'))).toolCalls).toHaveLength(1);
    expect(await ask(model, saying('Why?'))).toMatchObject({ text: 'Well.' });
    expect(asked()).toBe(3);
  });

  it.each<[string, Partial<ChatRequest>]>([
    ['a temperature', { temperature: 0.7 }],
    ['tools', { tools: [{ name: 'look_up', parameters: { type: 'object' } }] }],
    [
      'an image somewhere',
      { messages: [{ role: 'user', content: [{ type: 'image', url: 'https://example.com/a.png' }] }] },
    ],
  ])('are refused for calls with %s, and never looked up where only the route asks', async (_, more) => {
    const model = await modelOf(caches[0]);
    await expect(ask(model, saying('Why?', more))).rejects.toMatchObject({
      code: 'not_cacheable',
      violations: [{ pointer: '/cache' }],
    });
    expect(asked()).toBe(0);
  });

  it('are kept for a seed, too', async () => {
    const model = await modelOf(caches[0]);
    const request = saying('Why?', { temperature: 1, seed: 3 });
    await ask(model, request);
    expect((await ask(model, request)).cached).toBe('exact');
  });

  it('are found by a question in other words only where that is asked for, and never by another question', async () => {
    const model = await modelOf(caches[0]);
    const semantic = (content: string, system = 'Be brief.'): ChatRequest =>
      saying('', {
        messages: [
          { role: 'system', content: system },
          { role: 'user', content },
        ],
        cache: { mode: 'semantic', ttlSeconds: 60 },
      });
    await ask(model, semantic('Does smoking cause stress?'));
    expect((await ask(model, semantic('please tell me, does smoking cause stress'))).cached).toBe('semantic');
    for (const other of ['Does stress cause smoking?', "Doesn't smoking cause stress?", 'Does smoking cause 2 stress?'])
      expect((await ask(model, semantic(other))).cached).toBeUndefined();
    expect((await ask(model, semantic('Does smoking cause stress?', 'Be verbose.'))).cached).toBeUndefined();
    expect((await ask(model, semantic('Does smoking cause stress?'), { of: `${tenantId}x` })).cached).toBeUndefined();
    const exact = { ...semantic('does smoking cause stress'), cache: { mode: 'exact', ttlSeconds: 60 } as const };
    expect((await ask(model, exact)).cached).toBeUndefined();
  });

  it('come from the model where Redis is gone, or holds nonsense', async () => {
    const model = await modelOf(caches[1]);
    await redis.kill();
    expect(await ask(model, saying('Why?'))).toMatchObject({ text: 'Well.' });
    expect((await ask(model, saying('Why?'))).cached).toBe('exact');
    await redis.restart();
  });
});
