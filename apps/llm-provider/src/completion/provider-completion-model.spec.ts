import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Passage } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import {
  answers,
  answersStatus,
  breaksOffAfter,
  drips,
  endsEarlyAfter,
  eventually,
  hangs,
  neverEnds,
  sendsFrames,
  sendsOneLineOf,
  stallsAfter,
  startScriptedProvider,
  type ScriptedProvider,
} from '@millrace/testing';
import type { AnswerFormat, CompletionRequest } from '../completion/completion-model.js';
import { openProvider, type ProviderAccess } from '../providers/open-provider.js';
import { ProviderModel, type ProviderModelOptions } from '../providers/provider-model.js';
import { ProviderCompletionModel } from './provider-completion-model.js';

const canary = 'sk-canary-0123456789abcdef';
let provider: ScriptedProvider;
let shown: string[];

beforeAll(async () => {
  provider = await startScriptedProvider();
});
afterAll(() => provider.stop());
beforeEach(() => {
  shown = [];
});

type Options = Partial<ProviderModelOptions & ProviderAccess>;

async function modelWith(options: Options = {}): Promise<ProviderCompletionModel> {
  const access = { kind: 'openai-compatible' as const, baseUrl: provider.baseUrl, apiKey: canary, ...options };
  const model = new ProviderModel({
    name: 'spec/scripted',
    provider: access.kind,
    model: (await openProvider(access)).language('scripted'),
    timeouts: { firstTokenMs: 20_000, idleMs: 20_000, totalMs: 40_000 },
    concurrency: 4,
    queue: 4,
    maxTokens: 1_000,
    ...options,
  });
  return new ProviderCompletionModel(model);
}

const evidence: Passage[] = [
  {
    documentId: 'doc_1',
    snapshotSha256: 'a'.repeat(64),
    chunkId: 'chunk_1',
    source: 'birds.md',
    title: 'Birds',
    headings: [],
    start: 0,
    end: 29,
    text: 'Herons fish in shallow water.',
    score: 1,
  },
];
const ask = (answer: AnswerFormat = { kind: 'text' }): CompletionRequest => ({
  prompt: null,
  messages: [{ role: 'user', content: 'Where do herons fish?' }],
  evidence,
  answer,
});
const json: AnswerFormat = {
  kind: 'json',
  cites: 'markdown',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['title', 'markdown'],
    properties: { title: { type: 'string' }, markdown: { type: 'string' } },
  },
};
const article = { title: 'Herons', markdown: '# Herons\n\nHerons fish in shallow water [1]. They also read [9].' };

const run = (model: ProviderCompletionModel, request = ask(), signal = new AbortController().signal) =>
  model.complete(request, { signal, emit: (text) => shown.push(text) });

async function failureOf(promise: Promise<unknown>): Promise<MillraceError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error('It should have failed.');
}

/** Retry-After of zero keeps the repeats of a test short. */
const atOnce = { 'retry-after': '0' };

describe('a provider that behaves', () => {
  it('streams text, grounds it and reports what the provider counted', async () => {
    provider.script(answers('In shallow water [1]. In books [4].'));
    const completion = await run(await modelWith());
    expect(completion).toMatchObject({
      text: 'In shallow water [1]. In books.',
      json: null,
      finishReason: 'stop',
      usage: { promptTokens: 11, completionTokens: 7 },
      citations: [{ marker: 1, source: 'birds.md', start: 0, end: 29, quote: 'Herons fish in shallow water.' }],
    });
    expect(shown.join('')).toBe('In shallow water [1]. In books [4].');
    expect(shown.length).toBeGreaterThan(3);
    const request = provider.requests.at(-1);
    expect(request?.path).toBe('/v1/chat/completions');
    expect(request?.headers.authorization).toBe(`Bearer ${canary}`);
    expect(request?.body).toMatchObject({
      model: 'scripted',
      max_tokens: 1_000,
      stream_options: { include_usage: true },
    });
  });

  it('sends no key where there is none', async () => {
    provider.script(answers('Yes.'));
    await run(await modelWith({ apiKey: null }));
    expect(provider.requests.at(-1)?.headers.authorization).toBeUndefined();
  });

  it('answers JSON, shows only its prose, and grounds that', async () => {
    provider.script(answers(JSON.stringify(article)));
    const completion = await run(await modelWith(), ask(json));
    expect(completion.json).toEqual({
      title: 'Herons',
      markdown: '# Herons\n\nHerons fish in shallow water [1]. They also read.',
    });
    expect(completion.text).toBe(JSON.stringify(completion.json));
    expect(completion.citations).toHaveLength(1);
    expect(shown.join('')).toBe(article.markdown);
    expect(provider.requests.at(-1)?.body.response_format?.type).toBe('json_schema');
  });

  it('counts by itself where the provider counts nothing or nonsense', async () => {
    for (const usage of [
      null,
      { prompt_tokens: 0, completion_tokens: 0 },
      { prompt_tokens: -5, completion_tokens: 1.5 },
    ]) {
      provider.script(answers('Herons fish in shallow water.', { usage }));
      const { usage: counted } = await run(await modelWith());
      expect(counted).toEqual({ promptTokens: 6, completionTokens: 7 });
    }
  });

  it('counts an end that is sent twice once', async () => {
    provider.script(answers('Yes.', { repeatEnd: true }));
    const completion = await run(await modelWith());
    expect(completion).toMatchObject({ text: 'Yes.', usage: { promptTokens: 11, completionTokens: 7 } });
  });

  it('says that a text was cut at the token limit', async () => {
    provider.script(answers('In shallow', { finishReason: 'length' }));
    expect((await run(await modelWith())).finishReason).toBe('length');
  });

  it('keeps NUL characters and broken surrogates out of answers', async () => {
    provider.script(sendsFrames({ choices: [{ delta: { content: 'a\0b\ud800c' }, finish_reason: 'stop' }] }));
    expect((await run(await modelWith())).text).toBe('ab\ufffdc');
    provider.script(answers('{"title":"a\\u0000b\\ud800","markdown":""}'));
    expect((await run(await modelWith(), ask(json))).json).toEqual({ title: 'ab\ufffd', markdown: '' });
  });
});

describe('JSON from servers and models that are bad at it', () => {
  it('falls back to what the server takes, and remembers it', async () => {
    const model = await modelWith();
    const refuses = answersStatus(400, { error: { message: 'response_format is not supported' } });
    provider.script(refuses, refuses, answers(JSON.stringify(article)));
    const before = provider.requests.length;
    await run(model, ask(json));
    const formats = provider.requests.slice(before).map(({ body }) => body.response_format?.type);
    expect(formats).toEqual(['json_schema', 'json_object', undefined]);
    await run(model, ask(json));
    expect(provider.requests.length - before).toBe(4);
  });

  it.each([
    ['fences', `Here you are:\n\n\`\`\`json\n${JSON.stringify(article)}\n\`\`\`\nEnjoy!`],
    ['words around it', `Sure! ${JSON.stringify(article)} Anything else?`],
  ])('reads JSON with %s', async (_, text) => {
    provider.script(answers(text));
    expect((await run(await modelWith(), ask(json))).json).toMatchObject({ title: 'Herons' });
  });

  it('asks once for a repair, says what is wrong, and adds up what both answers cost', async () => {
    provider.script(answers('{"title": "Herons"}'), answers(JSON.stringify(article)));
    const completion = await run(await modelWith(), ask(json));
    expect(completion.json).toMatchObject({ title: 'Herons' });
    expect(completion.usage).toEqual({ promptTokens: 22, completionTokens: 14 });
    const messages = provider.requests.at(-1)?.body.messages ?? [];
    expect(messages.at(-2)).toEqual({ role: 'assistant', content: '{"title": "Herons"}' });
    expect(messages.at(-1)?.content).toContain('/markdown');
  });

  it('gives up after one repair', async () => {
    provider.script(answers('I would rather not.'));
    const before = provider.requests.length;
    expect(await failureOf(run(await modelWith(), ask(json)))).toMatchObject({
      code: 'provider_invalid_response',
      retryable: true,
    });
    expect(provider.requests.length - before).toBe(2);
  });

  it('does not try to repair what was cut at the token limit', async () => {
    provider.script(answers('{"title": "Her', { finishReason: 'length' }));
    const before = provider.requests.length;
    expect(await failureOf(run(await modelWith(), ask(json)))).toMatchObject({
      code: 'provider_answer_too_long',
      retryable: false,
    });
    expect(provider.requests.length - before).toBe(1);
  });
});

describe('a provider that fails', () => {
  it.each([
    [
      'a wrong key',
      answersStatus(401, { error: { message: `Incorrect API key provided: ${canary}` } }),
      'provider_authentication_failed',
    ],
    ['a forbidden model', answersStatus(403), 'provider_authentication_failed'],
    ['an unknown model', answersStatus(404, { error: { message: 'no such model' } }), 'provider_rejected_request'],
    [
      'a request too long',
      answersStatus(400, { error: { message: `context ${canary}` } }),
      'provider_rejected_request',
    ],
    ['no credit', answersStatus(429, { error: { type: 'insufficient_quota' } }), 'provider_quota_exhausted'],
    ['a content filter', answers('I am', { finishReason: 'content_filter' }), 'provider_refused_content'],
    ['a redirect', answersStatus(307, {}, { location: 'http://127.0.0.1:1/' }), 'provider_redirect_refused'],
    [
      'an error of the caller in the stream',
      sendsFrames({ error: { message: 'bad', type: 'invalid_request_error' } }),
      'provider_rejected_request',
    ],
  ])('%s is permanent: one call, no retry', async (_, behaviour, code) => {
    provider.script(behaviour);
    const before = provider.requests.length;
    const error = await failureOf(run(await modelWith()));
    expect(error).toMatchObject({ code, retryable: false });
    expect(provider.requests.length - before).toBe(1);
    expect(JSON.stringify([error.toShape(), error.stack, error.cause])).not.toContain(canary);
  });

  it.each([
    ['a rate limit', answersStatus(429, {}, atOnce), 'provider_rate_limited'],
    ['a failure', answersStatus(500, {}, atOnce), 'provider_unavailable'],
    ['an overload', answersStatus(503, {}, atOnce), 'provider_unavailable'],
    ['a gateway that is too slow', answersStatus(504, {}, atOnce), 'provider_timeout'],
    [
      'an error before the first token',
      sendsFrames({ error: { message: 'overloaded', type: 'server_error' } }),
      'provider_unavailable',
    ],
    ['broken JSON', sendsFrames('{"choices": [{"del'), 'provider_invalid_response'],
    ['frames of another protocol', sendsFrames({ event: 'hello' }), 'provider_invalid_response'],
    ['a web page', answersPage, 'provider_invalid_response'],
    ['an end without an answer', sendsFrames(), 'provider_stream_cut'],
  ])('%s may pass: it is tried again, and works the second time', async (_, behaviour, code) => {
    provider.script(behaviour, answers('Better now.'));
    expect((await run(await modelWith())).text).toBe('Better now.');
    provider.script(behaviour);
    const before = provider.requests.length;
    expect(await failureOf(run(await modelWith()))).toMatchObject({ code, retryable: true });
    expect(provider.requests.length - before).toBe(3);
  });

  it.each([
    ['breaks off', breaksOffAfter('Herons '), 'provider_stream_cut'],
    ['ends without saying so', endsEarlyAfter('Herons '), 'provider_stream_cut'],
    [
      'fails in the middle',
      sendsFrames({ choices: [{ delta: { content: 'Herons ' } }] }, { error: { message: 'oops' } }),
      'provider_unavailable',
    ],
  ])('is not asked again by itself once something was shown: it %s', async (_, behaviour, code) => {
    provider.script(behaviour);
    const before = provider.requests.length;
    expect(await failureOf(run(await modelWith()))).toMatchObject({ code, retryable: true });
    expect(provider.requests.length - before).toBe(1);
    expect(shown).toEqual(['Herons ']);
  });

  it('that cannot be reached is unavailable', async () => {
    const gone = await startScriptedProvider();
    await gone.stop();
    const error = await failureOf(run(await modelWith({ baseUrl: gone.baseUrl })));
    expect(error).toMatchObject({ code: 'provider_unavailable', retryable: true });
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('hands a long Retry-After to the caller instead of waiting', async () => {
    provider.script(answersStatus(429, {}, { 'retry-after': '120' }));
    expect(await failureOf(run(await modelWith()))).toMatchObject({
      code: 'provider_rate_limited',
      retryAfterSeconds: 120,
    });
  });

  it('is not called while its circuit is open', async () => {
    provider.script(answersStatus(500, {}, atOnce));
    const model = await modelWith();
    for (let call = 0; call < 4; call++) await failureOf(run(model));
    const before = provider.requests.length;
    const error = await failureOf(run(model));
    expect(error).toMatchObject({ kind: 'unavailable', code: 'provider_unavailable', retryable: true });
    expect(error.retryAfterSeconds).toBeGreaterThan(0);
    expect(provider.requests.length).toBe(before);
  });
});

describe('a provider that would keep us for ever', () => {
  const impatient = { firstTokenMs: 150, idleMs: 150, totalMs: 10_000 };
  let leftBefore: number;
  beforeEach(() => {
    leftBefore = provider.abandoned;
  });
  afterEach(() => provider.script(answers('Yes.')));

  const leaves = (times: number) =>
    eventually(() => {
      expect(provider.abandoned - leftBefore).toBeGreaterThanOrEqual(times);
    });

  it('is left when it says nothing', async () => {
    provider.script(hangs, answers('Better now.'));
    expect((await run(await modelWith({ timeouts: impatient }))).text).toBe('Better now.');
    await leaves(1);
  });

  it('is left when it stalls in the middle', async () => {
    provider.script(stallsAfter('Herons '));
    const timeouts = { firstTokenMs: 30_000, idleMs: 150, totalMs: 40_000 };
    const error = await failureOf(run(await modelWith({ timeouts })));
    expect(error).toMatchObject({ kind: 'timeout', code: 'provider_timeout', retryable: true });
    expect(error.message).toContain('in the middle of its answer');
    await leaves(1);
  });

  it('is not left while it goes on slowly', async () => {
    provider.script(drips('Herons fish in shallow water.', 60));
    const timeouts = { firstTokenMs: 1_000, idleMs: 1_000, totalMs: 20_000 };
    expect((await run(await modelWith({ timeouts }))).text).toBe('Herons fish in shallow water.');
  });

  it('is left when the whole takes too long', async () => {
    provider.script(stallsAfter('Herons '));
    const timeouts = { firstTokenMs: 20_000, idleMs: 20_000, totalMs: 150 };
    expect(await failureOf(run(await modelWith({ timeouts })))).toMatchObject({ code: 'provider_timeout' });
    await leaves(1);
  });

  it('is left when it goes on beyond the token limit', async () => {
    provider.script(neverEnds('and on '));
    expect(await failureOf(run(await modelWith({ maxTokens: 200 })))).toMatchObject({
      code: 'provider_answer_too_long',
      retryable: false,
    });
    await leaves(1);
  });

  it('is left when it sends a line of 50 MB', async () => {
    provider.script(sendsOneLineOf(50_000_000));
    expect(await failureOf(run(await modelWith()))).toMatchObject({ code: 'provider_invalid_response' });
    await leaves(3);
  });

  it('is left at once when the caller gives up', async () => {
    provider.script(stallsAfter('Herons '));
    const caller = new AbortController();
    const outcome = failureOf(run(await modelWith(), ask(), caller.signal));
    await eventually(() => {
      expect(shown).toEqual(['Herons ']);
    });
    caller.abort(new MillraceError('cancelled', 'run_cancelled', 'The run was cancelled.'));
    expect(await outcome).toMatchObject({ code: 'run_cancelled' });
    await leaves(1);
  });

  it('keeps no more calls waiting than it may', async () => {
    provider.script(hangs);
    const model = await modelWith({ concurrency: 1, queue: 1 });
    const caller = new AbortController();
    const waiting = [1, 2].map(() => failureOf(run(model, ask(), caller.signal)));
    expect(await failureOf(run(model))).toMatchObject({ code: 'provider_overloaded', retryable: true });
    caller.abort();
    for (const error of await Promise.all(waiting)) expect(error.kind).toBe('cancelled');
  });
});

function answersPage(response: Parameters<typeof hangs>[0]): void {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome to the router</html>');
}
