/** Responses that are kept: read, continued and removed by OpenAI's own client and by the AI SDK, unchanged, against the whole system. */
import { createOpenAI } from '@ai-sdk/openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DatabaseBackend } from '@millrace/database';
import {
  answers,
  type BackendKind,
  callsTools,
  eventually,
  type ScriptedProvider,
  startScriptedProvider,
  testBackend,
} from '@millrace/testing';
import { generateText, jsonSchema, type ModelMessage, streamText, tool } from 'ai';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { NotFoundError } from 'openai';
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses';
import { TestSystem } from '../host/system.fixture.js';
import { failureOf } from './api-failure.fixture.js';

const model = 'here/small';
const mostKept = 8;

function modelsFile(baseUrl: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'models-')), 'models.yaml');
  writeFileSync(file, `providers: [{ name: here, kind: openai-compatible, baseUrl: "${baseUrl}", models: [small] }]\n`);
  return file;
}

describe.each<BackendKind>(['postgres', 'pglite'])('responses that are kept in %s', (kind) => {
  let provider: ScriptedProvider;
  let backend: DatabaseBackend;
  let system: TestSystem;
  let keys: Readonly<Record<'editor' | 'viewer' | 'stranger', string>>;
  const start = async (settings: Readonly<Record<string, string>> = {}): Promise<void> => {
    const models = { MILLRACE_LLM_MODELS_FILE: modelsFile(provider.baseUrl) };
    system = await TestSystem.start({ ...models, ...settings }, undefined, backend);
  };
  beforeAll(async () => {
    provider = await startScriptedProvider();
    backend = await testBackend(kind);
    await start();
    keys = {
      editor: await system.key('acme', 'editor'),
      viewer: await system.key('acme', 'viewer'),
      stranger: await system.key('other', 'admin'),
    };
  }, 180_000);
  afterAll(async () => {
    await system[Symbol.asyncDispose]();
    await backend.close();
    await provider.stop();
  });
  beforeEach(() => provider.script(answers('Herons fish in shallow water.')));

  const as = (who: keyof typeof keys): OpenAI =>
    new OpenAI({ baseURL: `${system.url}/openai/v1`, apiKey: keys[who], maxRetries: 0 });
  const create = (more: Partial<ResponseCreateParamsNonStreaming> = {}) =>
    as('editor').responses.create({ model, input: 'Where do herons fish?', ...more, stream: false });
  const asked = (): readonly (readonly [string, unknown])[] =>
    (provider.requests.at(-1)?.body.messages ?? []).map(({ role, content }) => [role, content]);

  it('are given again as they were', async () => {
    const made = await create({ instructions: 'Be brief.', metadata: { topic: 'birds' }, temperature: 0.5 });
    expect(made).toMatchObject({ store: true, previous_response_id: null });
    const { output_text: _text, ...read } = await as('viewer').responses.retrieve(made.id);
    expect(made).toMatchObject(read);
    expect(read).toMatchObject({ output: made.output, usage: made.usage });
    await as('viewer').responses.retrieve(made.id, { include: ['message.output_text.logprobs'] });
    expect(await failureOf(as('viewer').responses.retrieve(made.id, { stream: true }))).toMatchObject({ status: 400 });
  });

  it('are continued, without the instructions of the earlier ones', async () => {
    const first = await create({ instructions: 'Be brief.' });
    provider.script(answers('Frogs.'));
    const second = await create({ input: 'What else?', previous_response_id: first.id });
    expect(second.previous_response_id).toBe(first.id);
    expect(asked()).toEqual([
      ['user', 'Where do herons fish?'],
      ['assistant', 'Herons fish in shallow water.'],
      ['user', 'What else?'],
    ]);
    const branches = ['Where?', 'When?'].map((input) => create({ input, previous_response_id: second.id }));
    await Promise.all(branches);
    expect(asked()).toHaveLength(5);
    expect(asked().slice(0, 4)).toEqual([
      ['user', 'Where do herons fish?'],
      ['assistant', 'Herons fish in shallow water.'],
      ['user', 'What else?'],
      ['assistant', 'Frogs.'],
    ]);
  });

  it('are continued from a stream, as soon as its last word is there', async () => {
    const final = await as('editor').responses.stream({ model, input: 'Where?' }).finalResponse();
    expect(final).toMatchObject({ store: true });
    expect((await as('viewer').responses.retrieve(final.id)).output_text).toBe('Herons fish in shallow water.');
    await create({ input: 'Why?', previous_response_id: final.id });
    expect(asked().map(([role]) => role)).toEqual(['user', 'assistant', 'user']);
  });

  it('hold calls of tools, which are answered by the next one', async () => {
    const calls = ['a', 'b'].map((id) => ({
      id: `call_${id}`,
      name: 'look_up',
      arguments: `{"query":"${id}\\u0000"}`,
    }));
    provider.script(callsTools(...calls));
    const look = { type: 'function' as const, name: 'look_up', strict: false, parameters: { type: 'object' } };
    const url = 'data:image/png;base64,AAAA';
    const picture = { type: 'input_image' as const, image_url: url, detail: 'auto' as const };
    const first = await create({ input: [{ role: 'user', content: [picture] }], tools: [look] });
    provider.script(answers('Both.'));
    const input = calls.map(({ id }) => ({
      type: 'function_call_output' as const,
      call_id: id,
      output: `Answer ${id}`,
    }));
    const second = await create({ input, previous_response_id: first.id, tools: [look] });
    const { messages } = provider.requests.at(-1)?.body ?? {};
    expect(messages?.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'tool']);
    expect(JSON.stringify(messages?.[0])).toContain(url);
    expect(JSON.stringify(messages?.[1])).toContain(JSON.stringify(calls[0]?.arguments));
    const { data } = await as('viewer').responses.inputItems.list(second.id, { order: 'asc' });
    expect(data.map(({ type }) => type)).toEqual([
      'message',
      'function_call',
      'function_call',
      'function_call_output',
      'function_call_output',
    ]);
  });

  it('tell what they were asked, page by page', async () => {
    const first = await create({
      input: [
        { role: 'developer', content: 'Think.' },
        { role: 'user', content: 'One' },
      ],
    });
    const second = await create({ input: 'Two', previous_response_id: first.id });
    const texts: string[] = [];
    for await (const item of as('viewer').responses.inputItems.list(second.id, { limit: 1, order: 'asc' }))
      if ('content' in item && item.content?.[0] && 'text' in item.content[0]) texts.push(item.content[0].text);
    expect(texts).toEqual(['Think.', 'One', 'Herons fish in shallow water.', 'Two']);
    const newest = await as('viewer').responses.inputItems.list(second.id, { limit: 2 });
    expect(newest.data).toMatchObject([{ role: 'user' }, { role: 'assistant' }]);
    expect(newest.has_more).toBe(true);
    const own = await as('viewer').responses.inputItems.list(first.id);
    expect(own.data).toMatchObject([{ role: 'user' }, { role: 'developer' }]);
    for (const query of [{ limit: 0 }, { limit: 101 }, { order: 'up' as 'asc' }, { after: 'msg_nobody' }])
      expect(await failureOf(as('viewer').responses.inputItems.list(first.id, query))).toMatchObject({ status: 400 });
  });

  it('are not kept where their caller says so, and say it', async () => {
    const made = await create({ store: false });
    expect(made).toMatchObject({ store: false });
    expect(await failureOf(as('editor').responses.retrieve(made.id))).toBeInstanceOf(NotFoundError);
    const error = await failureOf(create({ previous_response_id: made.id }));
    expect(error).toMatchObject({ status: 400, code: 'previous_response_not_found', param: 'previous_response_id' });
  });

  it('are not kept where the answer broke off or nobody waits for it', async () => {
    let id = '';
    for await (const event of await as('editor').responses.create({
      model: 'here/hostile:half-a-stream',
      input: 'Where?',
      stream: true,
    }))
      if (event.type === 'response.failed') id = event.response.id;
    expect(id).not.toBe('');
    expect(await failureOf(as('editor').responses.retrieve(id))).toBeInstanceOf(NotFoundError);
  });

  it('are gone when they are removed, and end what continued them', async () => {
    const first = await create();
    const second = await create({ previous_response_id: first.id });
    expect(await failureOf(as('viewer').responses.delete(first.id))).toMatchObject({ status: 403 });
    await as('editor').responses.delete(first.id);
    expect(await failureOf(as('editor').responses.retrieve(first.id))).toBeInstanceOf(NotFoundError);
    expect(await failureOf(as('editor').responses.delete(first.id))).toBeInstanceOf(NotFoundError);
    expect((await as('editor').responses.retrieve(second.id)).id).toBe(second.id);
    const error = await failureOf(create({ previous_response_id: second.id }));
    expect(error).toMatchObject({ status: 400, code: 'previous_response_not_found' });
  });

  it('do not exist for another tenant', async () => {
    const made = await create();
    const { responses } = as('stranger');
    for (const call of [responses.retrieve(made.id), responses.delete(made.id), responses.inputItems.list(made.id)]) {
      const error = await failureOf(call);
      expect(error).toMatchObject({ status: 404, code: 'response_not_found' });
    }
    const unknown = await failureOf(responses.create({ model, input: 'Go on.', previous_response_id: made.id }));
    expect(unknown).toMatchObject({ status: 400, code: 'previous_response_not_found' });
    const [item] = made.output;
    const reference = { type: 'item_reference' as const, id: item?.id ?? '' };
    const named = await failureOf(responses.create({ model, input: [reference] }));
    expect(named).toMatchObject({ status: 404, code: 'item_not_found', param: 'input.0.id' });
    expect((await as('editor').responses.retrieve(made.id)).id).toBe(made.id);
  });

  it.each(['resp_%00', 'resp_'.padEnd(300, 'x'), "resp_' or 1=1", '..%2fresp', '%F0%9F%92%A9'])(
    'are not found under %s',
    async (id) => {
      for (const path of [id, `${id}/input_items`]) {
        const { status } = await system.raw(`/openai/v1/responses/${path}`, keys.editor);
        expect([400, 404, 414]).toContain(status);
      }
    },
  );

  it('serve the AI SDK, which names earlier items by their ids', async () => {
    const sdk = createOpenAI({ baseURL: `${system.url}/openai/v1`, apiKey: keys.editor }).responses(model);
    const messages: ModelMessage[] = [{ role: 'user', content: 'Where?' }];
    const first = await generateText({ model: sdk, messages, maxRetries: 0 });
    messages.push(...first.response.messages, { role: 'user', content: 'Why?' });
    const { textStream } = streamText({ model: sdk, messages, maxRetries: 0 });
    for await (const text of textStream) expect(text).toBeDefined();
    expect(asked().map(([role]) => role)).toEqual(['user', 'assistant', 'user']);
    expect(asked()[1]?.[1]).toBe('Herons fish in shallow water.');
    const previousResponseId = first.providerMetadata?.['openai']?.['responseId'] as string;
    await generateText({
      model: sdk,
      prompt: 'When?',
      maxRetries: 0,
      providerOptions: { openai: { previousResponseId } },
    });
    expect(asked().map(([role]) => role)).toEqual(['user', 'assistant', 'user']);
    provider.script(callsTools({ id: 'call_a', name: 'look', arguments: '{}' }));
    const look = tool({
      inputSchema: jsonSchema({ type: 'object', properties: {} }),
      execute: () => {
        provider.script(answers('Seen.'));
        return 'a heron';
      },
    });
    const { text } = await generateText({
      model: sdk,
      prompt: 'Look.',
      tools: { look },
      maxRetries: 0,
      stopWhen: ({ steps }) => steps.length === 2,
    });
    expect(text).toBe('Seen.');
    expect(asked().map(([role]) => role)).toEqual(['user', 'assistant', 'tool']);
  });

  it('outlive the process, and are no more than a tenant may have', async () => {
    const first = await create();
    await system[Symbol.asyncDispose]();
    await start({ MILLRACE_RESPONSES_PER_TENANT: String(mostKept) });
    const second = await create({ input: 'And then?', previous_response_id: first.id });
    expect(asked()).toHaveLength(3);
    const later: string[] = [];
    for (let made = 0; made < mostKept - 2; made += 1) later.push((await create()).id);
    // Those of the tests above go first.
    for (const id of [first.id, second.id, ...later]) expect((await as('viewer').responses.retrieve(id)).id).toBe(id);
    const newest = [await create(), await create(), await create()];
    await eventually(async () => {
      expect(await failureOf(as('viewer').responses.retrieve(second.id))).toBeInstanceOf(NotFoundError);
    });
    for (const { id } of newest) expect((await as('viewer').responses.retrieve(id)).id).toBe(id);
  });
});
