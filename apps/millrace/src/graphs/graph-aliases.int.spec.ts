/** Aliases of graphs over HTTP, as models of OpenAI's endpoints and by the command line, against the whole system. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MillraceClient } from '@millrace/client';
import OpenAI from 'openai';
import { TestSystem } from '../host/system.fixture.js';
import { type } from '../terminal/captured-terminal.fixture.js';

let system: TestSystem;
let editor: string;
let api: MillraceClient;

const saying = (word: string) => ({
  format: 'json' as const,
  text: JSON.stringify({
    apiVersion: 'millrace/v1',
    kind: 'Graph',
    metadata: { name: 'greeting' },
    input: { type: 'object', properties: { prompt: { type: 'string' } } },
    nodes: [{ id: 'say', kind: 'transform', output: word }],
    output: '${{ nodes.say.output }}',
  }),
});

beforeAll(async () => {
  system = await TestSystem.start();
  editor = await system.key('acme', 'editor');
  api = system.client(editor);
  for (const word of ['one', 'two']) await api.publishGraph(saying(word));
}, 180_000);
afterAll(() => system[Symbol.asyncDispose]());

const outputOf = async (graph: string, client = api) =>
  (await client.startRun({ graph, input: {} }, { waitSeconds: 20 })).output;

async function put(alias: string, body: unknown, key = editor) {
  const response = await fetch(`${system.url}/v1/graphs/greeting/aliases/${alias}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as { code?: string } };
}

describe('aliases of graphs', () => {
  it('mean a version until they are moved, for runs and as a model', async () => {
    expect(await api.setGraphAlias('greeting', 'live', { version: 1 })).toMatchObject({
      graph: 'greeting',
      version: 1,
    });
    expect(await outputOf('greeting')).toBe('two');
    expect(await outputOf('greeting@live')).toBe('one');
    const openAi = new OpenAI({ baseURL: `${system.url}/openai/v1`, apiKey: editor, maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: 'Hello.' }];
    const asked = async () => {
      const { model, choices } = await openAi.chat.completions.create({ model: 'graph:greeting@live', messages });
      return [model, choices[0]?.message.content];
    };
    expect(await asked()).toEqual(['graph:greeting@1', 'one']);
    await api.setGraphAlias('greeting', 'live', { version: 2 });
    expect(await asked()).toEqual(['graph:greeting@2', 'two']);
    expect(await outputOf('greeting@live')).toBe('two');
    expect((await api.listGraphAliases('greeting')).items.map(({ alias, version }) => [alias, version])).toEqual([
      ['live', 2],
    ]);
    await expect(openAi.chat.completions.create({ model: 'graph:greeting@nobody', messages })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
  });

  it('are those of their tenant, and changed by editors only', async () => {
    await api.setGraphAlias('greeting', 'own', { version: 1 });
    const stranger = system.client(await system.key('globex', 'editor'));
    expect(await stranger.listGraphAliases('greeting')).toEqual({ items: [] });
    await expect(outputOf('greeting@own', stranger)).rejects.toMatchObject({ code: 'unknown_alias' });
    await expect(stranger.deleteGraphAlias('greeting', 'own')).rejects.toMatchObject({ code: 'unknown_alias' });
    await expect(stranger.setGraphAlias('greeting', 'own', { version: 1 })).rejects.toMatchObject({
      code: 'unknown_graph',
    });
    const viewer = await system.key('acme', 'viewer');
    expect((await put('own', { version: 2 }, viewer)).status).toBe(403);
    // A graph that is shipped has aliases of each tenant, too.
    await stranger.setGraphAlias('content', 'live', { version: 1 });
    expect(await api.listGraphAliases('content')).toEqual({ items: [] });
  });

  it.each<[string, string, unknown, number, string]>([
    ['an unknown version', 'live', { version: 99 }, 404, 'unknown_graph'],
    ['a version of nothing', 'live', { version: 0 }, 400, 'invalid_body'],
    ['half a body', 'live', '{"version":', 400, 'malformed_json'],
    ['no version', 'live', {}, 400, 'invalid_body'],
    ['a number as a name', '1', { version: 1 }, 400, 'invalid_path'],
    ['a hostile name', 'a%2f..%2fb', { version: 1 }, 400, 'invalid_path'],
    ['an endless name', 'a'.repeat(64), { version: 1 }, 400, 'invalid_path'],
  ])('refuse %s', async (_, alias, body, status, code) => {
    const answer = await put(alias, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it('are no more than a hundred for a graph', async () => {
    const set = (alias: string) => api.setGraphAlias('greeting', alias, { version: 1 });
    const { items } = await api.listGraphAliases('greeting');
    for (let number = items.length; number < 100; number++) await set(`a${number}`);
    await expect(set('one-more')).rejects.toMatchObject({ code: 'too_many_aliases' });
    await set('a99');
    await api.deleteGraphAlias('greeting', 'a99');
    await set('one-more');
  });

  it('are set, listed and forgotten by the command line', async () => {
    const environment = { MILLRACE_URL: system.url, MILLRACE_API_KEY: editor };
    const place = { folder: system.folder, environment };
    expect(await type(['graphs', 'alias', 'greeting', 'live', '1'], place)).toMatchObject({
      code: 0,
      out: 'greeting@live is greeting@1\n',
    });
    expect((await type(['graphs', 'aliases', 'greeting'], place)).out).toContain('greeting@live');
    const listed = await type(['graphs', 'aliases', 'content', '--json'], place);
    expect(JSON.parse(listed.out)).toEqual([]);
    expect((await type(['graphs', 'unalias', 'greeting', 'live'], place)).code).toBe(0);
    expect((await type(['graphs', 'unalias', 'greeting', 'live'], place)).error).toContain('has no alias live');
    expect((await type(['graphs', 'alias', 'greeting', 'live', 'x'], place)).error).toContain('whole number');
  });
});
