/** What a stranger sends with OpenAI's own client, unchanged: what others allow, what is not served, and what is wrong. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { answers, eventually, type ScriptedProvider, startScriptedProvider } from '@millrace/testing';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { TestSystem } from '../host/system.fixture.js';
import { failureOf } from './api-failure.fixture.js';

let provider: ScriptedProvider;
let system: TestSystem;
let client: OpenAI;
let key: string;
beforeAll(async () => {
  provider = await startScriptedProvider();
  const file = join(mkdtempSync(join(tmpdir(), 'models-')), 'models.yaml');
  writeFileSync(
    file,
    `providers: [{ name: here, kind: openai-compatible, baseUrl: "${provider.baseUrl}", models: [small] }]\n`,
  );
  system = await TestSystem.start({ MILLRACE_LLM_MODELS_FILE: file });
  key = await system.key('acme', 'editor');
  client = new OpenAI({ baseURL: `${system.url}/openai/v1`, apiKey: key, maxRetries: 0 });
}, 180_000);
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await provider.stop();
});
beforeEach(() => provider.script(answers('Yes.')));

const model = 'here/small';
const messages = [{ role: 'user' as const, content: 'Is it?' }];
const chat = (more: object) => client.chat.completions.create({ model, messages, ...more });
const respond = (more: object) => client.responses.create({ model, input: 'Is it?', ...more });

describe('what others allow', () => {
  it.each<[string, object]>([
    [
      'a tool without a description and parameters',
      { tools: [{ type: 'function', function: { name: 'f', description: null, parameters: null } }] },
    ],
    ['no word on usage', { stream_options: { include_usage: null } }],
    [
      'a format without a schema',
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: null } } },
    ],
    ['text alone', { modalities: ['text'], audio: null, functions: null }],
  ])('%s', async (_, more) => {
    expect((await chat(more)).choices[0]?.message.content).toBe('Yes.');
  });

  it('what a model refused before', async () => {
    const refusal = { role: 'assistant' as const, content: [{ type: 'refusal' as const, refusal: 'I will not.' }] };
    const other = { role: 'assistant' as const, content: null, refusal: 'Nor that.' };
    await chat({ messages: [...messages, refusal, ...messages, other, ...messages] });
    const sent = provider.requests.at(-1)?.body.messages ?? [];
    expect(sent.map(({ content }) => content)).toEqual(['Is it?', 'I will not.', 'Is it?', 'Nor that.', 'Is it?']);
  });

  it('a look at one model, and the id of a request', async () => {
    expect(await client.models.retrieve(model)).toMatchObject({ id: model, object: 'model', owned_by: 'here' });
    const error = await failureOf(client.models.retrieve('nobody/knows'));
    expect(error).toMatchObject({ status: 404, code: 'model_not_found' });
    const [first, second] = [await chat({}), await chat({})];
    expect(first._request_id).toMatch(/./);
    expect(second._request_id).not.toBe(first._request_id);
    expect(error.requestID).toMatch(/./);
    const { response } = await client.chat.completions.create({ model, messages, stream: true }).withResponse();
    expect(response.headers.get('x-request-id')).toMatch(/./);
    await response.body?.cancel();
  });
});

describe('what is not served is refused by its name, and never left out', () => {
  it.each<[string, object, string]>([
    ['functions', { functions: [{ name: 'f' }] }, 'send them as tools'],
    ['function_call', { function_call: 'auto' }, 'send it as tool_choice'],
    ['modalities.1', { modalities: ['text', 'audio'] }, 'must be text'],
    ['audio', { audio: { voice: 'x', format: 'wav' } }, 'answers are text'],
    ['web_search_options', { web_search_options: {} }, 'is not served'],
  ])('%s', async (param, more, reason) => {
    const asked = provider.requests.length;
    const error = await failureOf(chat(more));
    expect(error).toMatchObject({ status: 400, param, message: expect.stringContaining(reason) });
    expect(provider.requests).toHaveLength(asked);
  });

  it('an image that no model would be shown', async () => {
    const content = [{ type: 'input_image', image_url: 'https://example.org/a.png' }];
    for (const role of ['assistant', 'system', 'developer']) {
      const error = await failureOf(respond({ input: [{ role, content }] }));
      expect(error).toMatchObject({ status: 400, param: 'input' });
    }
    expect((await respond({ input: [{ role: 'user', content }] })).output_text).toBe('Yes.');
  });
});

describe('what is wrong', () => {
  const rawly = (body: string) => system.call<{ error: OpenAI.ErrorObject }>('/openai/v1/chat/completions', key, body);

  it.each([
    ['an array', '[]'],
    ['null', 'null'],
    ['nothing', ''],
  ])('%s names no field', async (_, body) => {
    expect(await rawly(body)).toMatchObject({ status: 400, body: { error: { param: null } } });
  });

  it('is said once', async () => {
    const { message } = await failureOf(chat({ temperature: 'warm' }));
    expect(message.match(/must be a number/g)).toHaveLength(1);
  });

  it.each([false, true])('ends all answers of a caller who goes away (streamed: %s)', async (stream) => {
    const [asked, abandoned] = [provider.requests.length, provider.abandoned];
    const caller = new AbortController();
    const request = { model: 'here/hostile:stalls-midway', messages, n: 3, stream };
    const asking = client.chat.completions
      .create(request, { signal: caller.signal })
      .then(async (answer) => {
        if (Symbol.asyncIterator in answer) for await (const chunk of answer) expect(chunk).toBeDefined();
      })
      .catch(() => undefined);
    await eventually(() => provider.requests.length === asked + 3);
    caller.abort();
    await asking;
    await eventually(() => provider.abandoned === abandoned + 3);
  });
});
