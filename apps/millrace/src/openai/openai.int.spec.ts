/** OpenAI's endpoints, called by OpenAI's own client and by the AI SDK, unchanged, against the whole system. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connectJetStream } from '@millrace/messaging';
import {
  answers,
  answersJson,
  answersStatus,
  callsTools,
  drips,
  eventually,
  hangs,
  startNatsServer,
  startScriptedProvider,
  type NatsServer,
  type ScriptedProvider,
} from '@millrace/testing';
import { generateText, jsonSchema, streamText, tool } from 'ai';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { TestSystem } from '../host/system.fixture.js';
import { failureOf } from './api-failure.fixture.js';

function modelsFile(baseUrl: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'models-')), 'models.yaml');
  const provider = `{ name: here, kind: openai-compatible, baseUrl: "${baseUrl}", models: [small, embedder] }`;
  const route =
    '{ name: writing, targets: [{ model: "here/hostile:server-error" }], fallback: [{ model: here/small }] }';
  const price = '{ model: here/small, inputUsdPerMillion: 1000, outputUsdPerMillion: 1000 }';
  writeFileSync(file, `providers: [${provider}]\nroutes: [${route}]\nprices: [${price}]\n`);
  return file;
}

describe.each(['in one process', 'over NATS'])('OpenAI’s endpoints %s', (how) => {
  let provider: ScriptedProvider;
  let nats: NatsServer | undefined;
  let system: TestSystem;
  let key: string;
  let client: OpenAI;
  beforeAll(async () => {
    provider = await startScriptedProvider();
    if (how === 'over NATS') nats = await startNatsServer({ exclusive: true });
    const bus = nats && (await connectJetStream({ servers: nats.url, name: 'spec' }));
    const environment = { MILLRACE_LLM_MODELS_FILE: modelsFile(provider.baseUrl) };
    system = await TestSystem.start(environment, bus);
    key = await system.key('acme', 'editor');
    client = new OpenAI({ baseURL: `${system.url}/openai/v1`, apiKey: key, maxRetries: 0 });
  }, 180_000);
  afterAll(async () => {
    await system[Symbol.asyncDispose]();
    await provider.stop();
    await nats?.stop();
  });
  beforeEach(() => provider.script(answers('Herons fish in shallow water.')));

  const messages = [{ role: 'user' as const, content: 'Where do herons fish?' }];
  const look = {
    type: 'function' as const,
    function: { name: 'look_up', parameters: { type: 'object', properties: {} } },
  };
  const calls = ['a', 'b'].map((id) => ({ id: `call_${id}`, name: 'look_up', arguments: `{"query":"${id}"}` }));

  it('answer whole', async () => {
    const completion = await client.chat.completions.create({
      model: 'here/small',
      messages,
      temperature: 0,
      seed: 7,
      stop: ['\n'],
    });
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model: 'here/small',
      choices: [
        { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Herons fish in shallow water.' } },
      ],
      usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
    });
    expect(provider.requests.at(-1)?.body).toMatchObject({ model: 'small', temperature: 0, seed: 7, stop: ['\n'] });
  });

  it('take a model by its own name, and a route', async () => {
    for (const model of ['small', 'route:writing']) {
      expect((await client.chat.completions.create({ model, messages })).model).toBe('here/small');
    }
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual(['route:writing', 'here/small', 'here/embedder']);
  });

  it('stream, with the usage of the final frame', async () => {
    const stream = await client.chat.completions.create({
      model: 'here/small',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Herons fish in shallow water.');
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 11, completion_tokens: 7 } });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it('stream while the model writes', async () => {
    provider.script(drips('Herons fish.', 30));
    const stream = await client.chat.completions.create({ model: 'here/small', messages, stream: true });
    const times: number[] = [];
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) times.push(performance.now());
    expect(times.length).toBeGreaterThan(3);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(100);
  });

  it('hand on parallel tool calls, whole and in a stream, and what the tools answered', async () => {
    provider.script(callsTools(...calls));
    const expected = calls.map((call) => ({ id: call.id, function: { name: call.name, arguments: call.arguments } }));
    const request = { model: 'here/small', messages, tools: [look], tool_choice: 'auto' as const };
    const whole = await client.chat.completions.create(request);
    expect(whole.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: expected },
    });
    const final = await client.chat.completions.stream(request).finalChatCompletion();
    expect(final.choices[0]?.message.tool_calls).toMatchObject(expected);
    provider.script(answers('Both.'));
    const [choice] = whole.choices;
    const answered = calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: `Answer ${id}` }));
    const next = [...messages, choice?.message ?? messages[0], ...answered] as typeof messages;
    expect((await client.chat.completions.create({ ...request, messages: next })).choices[0]?.message.content).toBe(
      'Both.',
    );
    expect(JSON.stringify(provider.requests.at(-1)?.body.messages)).toContain('Answer call_b');
  });

  it('answer as often as they are asked to, in JSON of a schema', async () => {
    provider.script(answers('{"where":"water"}'));
    const schema = { type: 'object', properties: { where: { type: 'string' } }, required: ['where'] };
    const { choices, usage } = await client.chat.completions.create({
      model: 'here/small',
      messages,
      n: 3,
      response_format: { type: 'json_schema', json_schema: { name: 'place', schema } },
    });
    expect(choices.map(({ index, message }) => [index, message.content])).toEqual(
      [0, 1, 2].map((index) => [index, '{"where":"water"}']),
    );
    expect(usage?.total_tokens).toBe(54);
    expect(provider.requests.at(-1)?.body.response_format?.type).toBe('json_schema');
  });

  it('show images to the model, of more than a megabyte', async () => {
    const url = `data:image/png;base64,${Buffer.alloc(1_500_000, 7).toString('base64')}`;
    const content = [
      { type: 'text' as const, text: 'What is it?' },
      { type: 'image_url' as const, image_url: { url } },
    ];
    await client.chat.completions.create({ model: 'here/small', messages: [{ role: 'user', content }] });
    expect(JSON.stringify(provider.requests.at(-1)?.body.messages).length).toBeGreaterThan(2_000_000);
  });

  it('turn texts into vectors, however many and however encoded', async () => {
    const data = [
      [0.5, -1],
      [2, 0.25],
    ].map((embedding, index) => ({ object: 'embedding', index, embedding }));
    provider.script(
      answersJson({ object: 'list', data, model: 'embedder', usage: { prompt_tokens: 5, total_tokens: 5 } }),
    );
    for (const encoding of ['float', 'base64'] as const) {
      const result = await client.embeddings.create({
        model: 'here/embedder',
        input: ['a', 'b'],
        encoding_format: encoding,
      });
      expect(result.usage).toEqual({ prompt_tokens: 5, total_tokens: 5 });
      if (encoding === 'float')
        expect(result.data.map(({ embedding }) => embedding)).toEqual([
          [0.5, -1],
          [2, 0.25],
        ]);
    }
    // Asks for base64 by itself, and decodes it.
    const [first] = (await client.embeddings.create({ model: 'here/embedder', input: ['a', 'b'] })).data;
    expect(first?.embedding).toEqual([0.5, -1]);
  });

  describe('with a graph as the model', () => {
    const text = '${{ nodes.answer.output.text }}';
    const node = {
      id: 'answer',
      kind: 'llm',
      with: { model: 'here/small', messages: '${{ input.messages }}' },
    };
    const input = { type: 'object', properties: { messages: { type: 'array' } }, required: ['messages'] };
    beforeAll(async () => {
      const document = {
        apiVersion: 'millrace/v1',
        kind: 'Graph',
        metadata: { name: 'chat' },
        input,
        nodes: [node],
        output: text,
      };
      const published = await system.raw('/v1/graphs', key, document);
      expect([published.status, published.ok ? '' : await published.text()]).toEqual([201, '']);
    });

    it('give its output, whole and while it is written, with the usage of the run', async () => {
      provider.script(drips('Herons fish.', 30));
      const whole = await client.chat.completions.create({ model: 'graph:chat', messages });
      expect(whole).toMatchObject({ model: 'graph:chat@1', choices: [{ message: { content: 'Herons fish.' } }] });
      expect(whole.usage?.prompt_tokens).toBeGreaterThan(0);
      const stream = await client.chat.completions.create({ model: 'graph:chat@1', messages, stream: true });
      const pieces: string[] = [];
      for await (const chunk of stream) pieces.push(chunk.choices[0]?.delta.content ?? '');
      expect(pieces.join('')).toBe('Herons fish.');
      expect(pieces.filter((piece) => piece !== '').length).toBeGreaterThan(2);
      expect(provider.requests.at(-1)?.body.messages?.at(-1)?.content).toBe(messages[0]?.content);
    });

    it('say which graph there is not, and what its run failed with', async () => {
      for (const model of ['graph:nowhere', 'graph:chat@99', 'graph:../..']) {
        expect(await failureOf(client.chat.completions.create({ model, messages }))).toMatchObject({ status: 404 });
      }
      provider.script(answersStatus(401));
      const failed = await failureOf(client.chat.completions.create({ model: 'graph:chat', messages }));
      expect(failed).toMatchObject({ status: 503, code: 'provider_authentication_failed' });
    });

    it('cancel the run of a caller who goes away', async () => {
      provider.script(hangs);
      const [requests, abandoned] = [provider.requests.length, provider.abandoned];
      const caller = new AbortController();
      const asking = client.chat.completions
        .create({ model: 'graph:chat', messages }, { signal: caller.signal })
        .catch(() => undefined);
      await eventually(() => provider.requests.length > requests);
      caller.abort();
      await eventually(() => provider.abandoned > abandoned);
      await asking;
    });
  });

  it('close the provider’s connection within a second when the caller goes away', async () => {
    for (const mischief of ['hostile:stalls-midway', 'hostile:silence']) {
      const [requests, abandoned] = [provider.requests.length, provider.abandoned];
      const caller = new AbortController();
      const asking = client.chat.completions
        .create({ model: `here/${mischief}`, messages, stream: true }, { signal: caller.signal })
        .then(async (stream) => {
          for await (const chunk of stream) expect(chunk).toBeDefined();
        })
        .catch(() => undefined);
      await eventually(() => provider.requests.length > requests);
      const leftAt = performance.now();
      caller.abort();
      await eventually(() => provider.abandoned > abandoned);
      expect(performance.now() - leftAt).toBeLessThan(1_000);
      await asking;
    }
  });

  /** A filter that steps in after the first words is an error in the stream. */
  async function readThrough(answer: unknown): Promise<void> {
    if (typeof answer !== 'object' || answer === null || !(Symbol.asyncIterator in answer)) return;
    for await (const chunk of answer as AsyncIterable<unknown>) expect(chunk).toBeDefined();
  }

  it.each([
    ['an unknown model', { model: 'nobody/knows' }, 404, 'model_not_found'],
    ['a temperature of 7', { temperature: 7 }, 400, 'invalid_body'],
    ['99 likelihoods', { logprobs: true, top_logprobs: 99 }, 400, 'invalid_body'],
    [
      'a tool’s answer to nothing',
      { messages: [{ role: 'tool', tool_call_id: 'x', content: '' }] },
      400,
      'invalid_messages',
    ],
    ['a rate limit', { model: 'here/hostile:rate-limit' }, 429, 'rate_limit_exceeded'],
    ['a content filter', { model: 'here/hostile:content-filter' }, 400, 'content_filter'],
  ])('refuse %s in OpenAI’s shape', async (_, more, status, code) => {
    for (const stream of [false, true]) {
      const request = { model: 'here/small', messages, stream, ...more } as never;
      const error = await failureOf(client.chat.completions.create(request).then(readThrough));
      // An error in a stream has no status.
      if (error.status !== undefined) expect(error.status).toBe(status);
      expect(error.code).toBe(code);
      expect(error.type).toBeTruthy();
    }
  });

  it('refuse a wrong key, a role that may not, and an unknown address in OpenAI’s shape', async () => {
    const as = (apiKey: string) => new OpenAI({ baseURL: `${system.url}/openai/v1`, apiKey, maxRetries: 0 });
    const request = { model: 'here/small', messages };
    expect(await failureOf(as('mr_wrong').chat.completions.create(request))).toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    });
    const viewer = await system.key('acme', 'viewer');
    expect(await failureOf(as(viewer).chat.completions.create(request))).toMatchObject({ status: 403 });
    expect(await failureOf(client.get('/files'))).toMatchObject({ status: 404 });
  });

  it('say in a stream that it broke off, with what was written and what that costs, and send no end', async () => {
    const response = await system.raw('/openai/v1/chat/completions', key, {
      model: 'here/hostile:half-a-stream',
      messages,
      stream: true,
    });
    const body = await response.text();
    expect(body).toContain('Half of ');
    expect(body).not.toContain('[DONE]');
    const last = JSON.parse(body.trim().split('data: ').at(-1) ?? '') as {
      error: unknown;
      usage: { completion_tokens: number };
    };
    expect(last.error).toMatchObject({ type: 'server_error', code: 'provider_stream_cut' });
    expect(last.usage.completion_tokens).toBeGreaterThan(0);
    const stream = await client.chat.completions.create({
      model: 'here/hostile:half-a-stream',
      messages,
      stream: true,
    });
    const read = (async () => {
      for await (const chunk of stream) expect(chunk).toBeDefined();
    })();
    expect(await failureOf(read)).toMatchObject({ code: 'provider_stream_cut' });
  });

  it('are paid by the key that calls: one row of the ledger each, and a budget that holds', async () => {
    const payer = await system.key('payer', 'admin');
    const paying = new OpenAI({ baseURL: `${system.url}/openai/v1`, apiKey: payer, maxRetries: 0 });
    const request = { model: 'here/small', messages, max_tokens: 5 };
    await paying.chat.completions.create(request);
    await paying.chat.completions.create({ ...request, stream: true }).then(async (stream) => {
      for await (const chunk of stream) expect(chunk).toBeDefined();
    });
    const api = system.client(payer);
    const [row] = (await api.models.readUsage()).items;
    expect(row).toMatchObject({
      model: 'here/small',
      completions: 2,
      promptTokens: 22,
      completionTokens: 14,
      costUsd: 0.036,
    });
    expect(row?.key).not.toBeNull();
    await api.models.setBudget({ key: row?.key ?? '', usdPerMonth: 0.037 });
    const error = await failureOf(paying.chat.completions.create(request));
    expect(error).toMatchObject({ status: 429, code: 'insufficient_quota', type: 'insufficient_quota' });
    expect(error.headers?.get('x-should-retry')).toBe('false');
  });

  it('give an answer again where a call asks for it, whole and in a stream, and bill nobody for it', async () => {
    const payer = await system.key('saver', 'editor');
    const saving = new OpenAI({ baseURL: `${system.url}/openai/v1`, apiKey: payer, maxRetries: 0 });
    const request = { model: 'here/small', messages, temperature: 0, cache: true } as const;
    const before = provider.requests.length;
    const first = await saving.chat.completions.create(request);
    expect(first).not.toHaveProperty('cached');
    const again = await saving.chat.completions.create(request);
    expect(again).toMatchObject({ cached: 'exact', choices: first.choices, usage: { total_tokens: 0 } });
    let streamed = '';
    const chunks: object[] = [];
    for await (const chunk of await saving.chat.completions.create({ ...request, stream: true })) {
      chunks.push(chunk);
      streamed += chunk.choices[0]?.delta.content ?? '';
    }
    expect(streamed).toBe('Herons fish in shallow water.');
    expect(chunks.at(-1)).toMatchObject({ cached: 'exact' });
    expect(provider.requests.length - before).toBe(1);
    expect((await system.client(payer).models.readUsage()).items).toMatchObject([{ completions: 3, costUsd: 0.018 }]);
    // Another tenant asks for itself.
    expect(await client.chat.completions.create(request)).not.toHaveProperty('cached');
    const other = { ...request, temperature: 1 };
    expect(await failureOf(saving.chat.completions.create(other))).toMatchObject({
      status: 400,
      code: 'not_cacheable',
    });
    const hostile = { ...request, cache: { mode: 'fuzzy', ttlSeconds: 1e12 } } as never;
    expect(await failureOf(saving.chat.completions.create(hostile))).toMatchObject({
      status: 400,
      code: 'invalid_body',
    });
  });

  it('answer the AI SDK: text, streams and tools', async () => {
    const sdk = createOpenAICompatible({ name: 'millrace', baseURL: `${system.url}/openai/v1`, apiKey: key });
    const model = sdk.chatModel('here/small');
    const { text, usage } = await generateText({ model, prompt: 'Where do herons fish?', maxRetries: 0 });
    expect(text).toBe('Herons fish in shallow water.');
    expect(usage.outputTokens).toBe(7);
    let streamed = '';
    for await (const piece of streamText({ model, prompt: 'Where?', maxRetries: 0 }).textStream) streamed += piece;
    expect(streamed).toBe('Herons fish in shallow water.');
    provider.script(callsTools(...calls));
    const inputSchema = jsonSchema({ type: 'object', properties: { query: { type: 'string' } } });
    const { toolCalls } = await generateText({
      model,
      prompt: 'Look both up.',
      maxRetries: 0,
      tools: { look_up: tool({ inputSchema }) },
    });
    expect(toolCalls.map(({ input }) => input)).toEqual([{ query: 'a' }, { query: 'b' }]);
  });

  it('tell the AI SDK what went wrong', async () => {
    provider.script(answersStatus(401));
    const sdk = createOpenAICompatible({ name: 'millrace', baseURL: `${system.url}/openai/v1`, apiKey: key });
    const failing = generateText({ model: sdk.chatModel('here/small'), prompt: 'Where?', maxRetries: 0 });
    await expect(Promise.resolve(failing)).rejects.toThrow('The model provider does not accept the key.');
  });
});
