/** OpenAI's responses, called by OpenAI's own client and by the AI SDK, unchanged, against the whole system. */
import { createOpenAI } from '@ai-sdk/openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connectJetStream } from '@millrace/messaging';
import {
  answers,
  answersJson,
  type Behaviour,
  callsTools,
  drips,
  eventually,
  sendsFrames,
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
import type { ResponseCreateParams, ResponseStreamEvent } from 'openai/resources/responses/responses';
import { TestSystem } from '../host/system.fixture.js';
import { failureOf } from './api-failure.fixture.js';

function modelsFile(baseUrl: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'models-')), 'models.yaml');
  const provider = `{ name: here, kind: openai-compatible, baseUrl: "${baseUrl}", models: [small] }`;
  const other = `{ name: elsewhere, kind: anthropic, baseUrl: "${baseUrl}" }`;
  writeFileSync(
    file,
    `providers: [${provider}, ${other}]\nprices: [{ model: here/small, inputUsdPerMillion: 1000, outputUsdPerMillion: 1000 }]\n`,
  );
  return file;
}

/** Writes the first token, and the next one each time that it is let. */
function writesWhenLet(...tokens: string[]): { readonly behaviour: Behaviour; readonly next: () => void } {
  let next = (): void => undefined;
  const behaviour: Behaviour = (response) => {
    const left = [...tokens];
    const write = (frame: object): void => void response.write(`data: ${JSON.stringify(frame)}\n\n`);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    next = () => {
      const token = left.shift();
      if (token !== undefined) return write(frameOf(token));
      write({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
      response.end('data: [DONE]\n\n');
    };
    next();
  };
  return { behaviour, next: () => next() };
}

const likelihood = (token: string) => ({ token, logprob: -0.5, bytes: [...Buffer.from(token)] });
const frameOf = (token: string) => ({
  choices: [
    {
      index: 0,
      delta: { content: token },
      logprobs: { content: [{ ...likelihood(token), top_logprobs: [likelihood(token), likelihood('Oh')] }] },
      finish_reason: null,
    },
  ],
});
const saysLikelihoods = sendsFrames(
  ...['Well', '.'].map(frameOf),
  { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: { prompt_tokens: 11, completion_tokens: 7 } },
  '[DONE]',
);

describe.each(['in one process', 'over NATS'])('OpenAI’s responses %s', (how) => {
  let provider: ScriptedProvider;
  let nats: NatsServer | undefined;
  let system: TestSystem;
  let key: string;
  let client: OpenAI;
  beforeAll(async () => {
    provider = await startScriptedProvider();
    if (how === 'over NATS') nats = await startNatsServer({ exclusive: true });
    const bus = nats && (await connectJetStream({ servers: nats.url, name: 'spec' }));
    system = await TestSystem.start({ MILLRACE_LLM_MODELS_FILE: modelsFile(provider.baseUrl) }, bus);
    key = await system.key('acme', 'editor');
    client = new OpenAI({ baseURL: `${system.url}/openai/v1`, apiKey: key, maxRetries: 0 });
  }, 180_000);
  afterAll(async () => {
    await system[Symbol.asyncDispose]();
    await provider.stop();
    await nats?.stop();
  });
  beforeEach(() => provider.script(answers('Herons fish in shallow water.')));

  const input = 'Where do herons fish?';
  const model = 'here/small';
  const look = {
    type: 'function' as const,
    name: 'look_up',
    strict: false,
    parameters: { type: 'object', properties: { query: { type: 'string' } } },
  };
  const calls = ['a', 'b'].map((id) => ({ id: `call_${id}`, name: 'look_up', arguments: `{"query":"${id}"}` }));

  async function eventsOf(
    request: Partial<ResponseCreateParams>,
    onDelta: () => void = () => undefined,
  ): Promise<ResponseStreamEvent[]> {
    const events: ResponseStreamEvent[] = [];
    for await (const event of await client.responses.create({ model, input, ...request, stream: true })) {
      events.push(event);
      if (event.type === 'response.output_text.delta') onDelta();
    }
    return events;
  }

  it('answer whole, with what was asked for', async () => {
    const response = await client.responses.create({
      model,
      input,
      instructions: 'Be brief.',
      temperature: 0,
      max_output_tokens: 50,
      metadata: { topic: 'birds' },
    });
    expect(response.output_text).toBe('Herons fish in shallow water.');
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      model,
      instructions: 'Be brief.',
      metadata: { topic: 'birds' },
      error: null,
      output: [{ type: 'message', role: 'assistant', status: 'completed' }],
      usage: { input_tokens: 11, output_tokens: 7, total_tokens: 18 },
    });
    expect(provider.requests.at(-1)?.body).toMatchObject({
      max_tokens: 50,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: input },
      ],
    });
  });

  it('take a conversation of items, with images and what tools answered', async () => {
    const url = 'data:image/png;base64,AAAA';
    const items: ResponseCreateParams['input'] = [
      { role: 'developer', content: 'Use tools.' },
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'Both?' },
          { type: 'input_image', image_url: url, detail: 'auto' },
        ],
      },
      { type: 'reasoning', id: 'rs_1', summary: [] },
      ...calls.map(({ id, name, arguments: json }) => ({
        type: 'function_call' as const,
        call_id: id,
        name,
        arguments: json,
      })),
      ...calls.map(({ id }) => ({ type: 'function_call_output' as const, call_id: id, output: `Answer ${id}` })),
    ];
    expect((await client.responses.create({ model, input: items, tools: [look] })).output_text).toContain('Herons');
    const { messages } = provider.requests.at(-1)?.body ?? {};
    expect(messages?.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool', 'tool']);
    expect(JSON.stringify(messages)).toContain('Answer call_b');
    expect(JSON.stringify(messages?.[1])).toContain(url);
  });

  it('stream typed events in their order, each with its number', async () => {
    const events = await eventsOf({});
    const types = events.map(({ type }) => type);
    const deltas = types.filter((type) => type === 'response.output_text.delta').length;
    expect(deltas).toBeGreaterThan(0);
    expect(types).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      ...Array.from({ length: deltas }, () => 'response.output_text.delta'),
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    const text = events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
    expect(text).toBe('Herons fish in shallow water.');
    const last = events.at(-1);
    expect(last).toMatchObject({ response: { status: 'completed', usage: { output_tokens: 7 } } });
    const final = await client.responses.stream({ model, input }).finalResponse();
    expect(final.output_text).toBe('Herons fish in shallow water.');
  });

  it('stream while the model writes', async () => {
    provider.script(drips('Herons fish.', 30));
    const times: number[] = [];
    for await (const event of await client.responses.create({ model, input, stream: true }))
      if (event.type === 'response.output_text.delta') times.push(performance.now());
    expect(times.length).toBeGreaterThan(3);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(100);
  });

  it('hand on parallel tool calls, whole and in a stream', async () => {
    provider.script(callsTools(...calls));
    const expected = calls.map(({ id, name, arguments: json }) => ({
      type: 'function_call',
      call_id: id,
      name,
      arguments: json,
    }));
    const request = { model, input, tools: [look], parallel_tool_calls: true };
    expect((await client.responses.create(request)).output).toMatchObject(expected);
    const final = await client.responses.stream(request).finalResponse();
    expect(final.output).toMatchObject(expected);
    expect(provider.requests.at(-1)?.body.tools).toHaveLength(1);
  });

  it('answer in JSON of a schema', async () => {
    provider.script(answers('{"where":"water"}'));
    const schema = {
      type: 'object',
      properties: { where: { type: 'string' } },
      required: ['where'],
      additionalProperties: false,
    };
    const format = { type: 'json_schema' as const, name: 'place', schema };
    const parsed = await client.responses.parse({ model, input, text: { format } });
    expect(parsed.output_text).toBe('{"where":"water"}');
    expect(provider.requests.at(-1)?.body.response_format?.type).toBe('json_schema');
  });

  it('say when an answer was cut at its bound', async () => {
    provider.script(answers('Herons fi', { finishReason: 'length' }));
    const response = await client.responses.create({ model, input });
    expect(response).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
    expect((await eventsOf({})).at(-1)?.type).toBe('response.incomplete');
  });

  it('end a stream that broke off with a failure, and what it is charged', async () => {
    const events = await eventsOf({ model: 'here/hostile:half-a-stream' });
    const last = events.at(-1);
    expect(last).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'provider_stream_cut' }, output: [{ status: 'incomplete' }] },
    });
    expect(events.map(({ type }) => type)).not.toContain('response.completed');
    const sdk = createOpenAI({ baseURL: `${system.url}/openai/v1`, apiKey: key });
    const failures: unknown[] = [];
    const { fullStream } = streamText({
      model: sdk.responses('here/hostile:half-a-stream'),
      prompt: input,
      maxRetries: 0,
      onError: ({ error }) => void failures.push(error),
    });
    for await (const part of fullStream) expect(part).toBeDefined();
    expect(failures).toHaveLength(1);
  });

  it('close the provider’s connection within a second when the caller goes away', async () => {
    for (const stream of [false, true]) {
      const [requests, abandoned] = [provider.requests.length, provider.abandoned];
      const caller = new AbortController();
      const request = { model: 'here/hostile:stalls-midway', input, stream };
      const asking = client.responses
        .create(request, { signal: caller.signal })
        .then(async (answer) => {
          if (Symbol.asyncIterator in answer) for await (const event of answer) expect(event).toBeDefined();
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

  it.each<[string, object, number, string]>([
    ['an earlier response that there is not', { previous_response_id: 'resp_1' }, 400, 'previous_response_id'],
    ['a conversation', { conversation: 'conv_1' }, 400, 'conversation'],
    ['the background', { background: true }, 400, 'background'],
    ['a tool of OpenAI itself', { tools: [{ type: 'web_search' }] }, 400, 'tools'],
    ['an item that there is not', { input: [{ type: 'item_reference', id: 'msg_1' }] }, 404, 'input'],
    [
      'an image by its file',
      { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }] },
      400,
      'input',
    ],
    ['nothing', { input: [] }, 400, 'input'],
    ['a temperature of 7', { temperature: 7 }, 400, 'temperature'],
    ['an answer to no call', { input: [{ type: 'function_call_output', call_id: 'x', output: '' }] }, 400, 'messages'],
    ['an unknown model', { model: 'nobody/knows' }, 404, 'model'],
    ['likelihoods of a model that tells none', { model: 'elsewhere/x', top_logprobs: 2 }, 400, 'logprobs'],
  ])('refuse %s, and say which field it is', async (_, more, status, param) => {
    for (const stream of [false, true]) {
      const error = await failureOf(client.responses.create({ model, input, stream, ...more } as never));
      expect(error.status).toBe(status);
      expect(error.param).toContain(param);
      expect(error.type).toBe('invalid_request_error');
    }
  });

  it('refuse a wrong key, and who may not', async () => {
    const as = (apiKey: string) => new OpenAI({ baseURL: `${system.url}/openai/v1`, apiKey, maxRetries: 0 });
    expect(await failureOf(as('mr_wrong').responses.create({ model, input }))).toMatchObject({ status: 401 });
    const viewer = await system.key('acme', 'viewer');
    expect(await failureOf(as(viewer).responses.create({ model, input }))).toMatchObject({ status: 403 });
  });

  it('answer the AI SDK: text, streams, tools and what they answered', async () => {
    const sdk = createOpenAI({ baseURL: `${system.url}/openai/v1`, apiKey: key });
    const responses = sdk.responses(model);
    const { text, usage } = await generateText({ model: responses, prompt: input, maxRetries: 0 });
    expect([text, usage.outputTokens]).toEqual(['Herons fish in shallow water.', 7]);
    let streamed = '';
    for await (const piece of streamText({ model: responses, prompt: input, maxRetries: 0 }).textStream)
      streamed += piece;
    expect(streamed).toBe('Herons fish in shallow water.');
    provider.script(callsTools(...calls));
    const inputSchema = jsonSchema({ type: 'object', properties: { query: { type: 'string' } } });
    const tools = { look_up: tool({ inputSchema }) };
    const { toolCalls } = await generateText({ model: responses, prompt: 'Look.', maxRetries: 0, tools });
    expect(toolCalls.map(({ input: asked }) => asked)).toEqual([{ query: 'a' }, { query: 'b' }]);
    const streaming = streamText({ model: responses, prompt: 'Look.', maxRetries: 0, tools });
    expect((await streaming.toolCalls).map(({ input: asked }) => asked)).toEqual([{ query: 'a' }, { query: 'b' }]);
  });

  it('tell how likely each token was, in responses and in chat completions, whole and in streams', async () => {
    provider.script(saysLikelihoods);
    const expected = ['Well', '.'].map((token) => ({
      token,
      logprob: -0.5,
      top_logprobs: [{ token }, { token: 'Oh' }],
    }));
    const request = { model, messages: [{ role: 'user' as const, content: input }], logprobs: true, top_logprobs: 2 };
    const chat = await client.chat.completions.create(request);
    expect(chat.choices[0]?.logprobs?.content).toMatchObject(expected);
    expect(provider.requests.at(-1)?.body).toMatchObject({ logprobs: true, top_logprobs: 2 });
    const streamed = await client.chat.completions.stream(request).finalChatCompletion();
    expect(streamed.choices[0]?.logprobs?.content).toMatchObject(expected);
    const include = ['message.output_text.logprobs' as const];
    const response = await client.responses.create({ model, input, include, top_logprobs: 2 });
    expect(response.output).toMatchObject([{ content: [{ logprobs: expected }] }]);
    provider.script(answers('Well.'));
    expect((await client.chat.completions.create(request)).choices[0]?.logprobs).toBeNull();
  });

  it('tell how likely tokens were with the text that they are, in streams of both kinds', async () => {
    const tokens = ['Well', ',', ' no', '.'];
    const script = writesWhenLet(...tokens);
    provider.script(script.behaviour);
    const request = { model, messages: [{ role: 'user' as const, content: input }], logprobs: true, top_logprobs: 1 };
    const told: string[] = [];
    for await (const { choices } of await client.chat.completions.create({ ...request, stream: true })) {
      const [choice] = choices;
      const tokensOf = choice?.logprobs?.content?.map(({ token }) => token) ?? [];
      expect(tokensOf.join('')).toBe(choice?.delta.content ?? '');
      told.push(...tokensOf);
      if (tokensOf.length > 0) script.next();
    }
    expect(told).toEqual(tokens);
    const deltas: string[] = [];
    for (const event of await eventsOf({ include: ['message.output_text.logprobs'] }, script.next)) {
      if (event.type !== 'response.output_text.delta') continue;
      expect(event.logprobs.map(({ token }) => token).join('')).toBe(event.delta);
      deltas.push(event.delta);
    }
    expect(deltas).toEqual(tokens);
  });

  it('shorten vectors where the model does, and refuse others', async () => {
    const data = [{ object: 'embedding', index: 0, embedding: [0.5, -1] }];
    provider.script(answersJson({ object: 'list', data, model: 'e', usage: { prompt_tokens: 5, total_tokens: 5 } }));
    const request = { model, input: 'a', encoding_format: 'float' as const };
    const { data: vectors } = await client.embeddings.create({ ...request, dimensions: 2 });
    expect(vectors[0]?.embedding).toHaveLength(2);
    expect(provider.requests.at(-1)?.body).toMatchObject({ dimensions: 2 });
    expect(await failureOf(client.embeddings.create({ ...request, dimensions: 3 }))).toMatchObject({ status: 400 });
    expect(await failureOf(client.embeddings.create({ ...request, dimensions: 0 }))).toMatchObject({ status: 400 });
  });
});
