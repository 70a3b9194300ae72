/** The commands that talk to a server, against one that runs as a process. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@millrace/testing';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Workbench } from './command-line.fixture.js';
import { badFiles, goodFiles, writeBadFiles, writeFiles } from './documents/documents.fixture.js';
import { TestServer } from './start/server.fixture.js';
import { type Shown, type } from './terminal/captured-terminal.fixture.js';

const workbench = new Workbench();
const { folder } = workbench;
let server: TestServer;
beforeAll(async () => {
  writeFiles(join(folder, 'docs'), goodFiles);
  writeFiles(folder, {
    'greet.yaml': greet,
    'wrong.yaml': wrong,
    'broken.json': '{"nodes": [',
    'input.json': '{"name": "Ada"}',
  });
  server = await TestServer.start(workbench);
}, 120_000);
afterAll(async () => {
  await server.process.kill();
  workbench[Symbol.dispose]();
});

const greet = `apiVersion: millrace/v1
kind: Graph
metadata: { name: greet, description: Greets. }
input: { type: object, required: [name], properties: { name: { type: string } } }
nodes:
  - { id: echo, kind: tool, with: { tool: echo, arguments: { hello: "\${{ input.name }}" } } }
output: \${{ nodes.echo.output.result }}
`;
const wrong = greet.replace('input.name', 'nodes.nobody.output').replace('kind: tool', 'kind: tol');

const environment = () => ({ MILLRACE_URL: server.url, MILLRACE_API_KEY: server.apiKey });
const millrace = (...words: string[]): Promise<Shown> => type(words, { folder, environment: environment() });
const jsonOf = async (...words: string[]): Promise<unknown> => {
  const { code, out, error } = await millrace(...words, '--json');
  if (!['run', 'ingest'].includes(words[0] ?? '')) expect(error).toBe('');
  expect(code).toBe(0);
  return JSON.parse(out);
};

describe('graphs', () => {
  it('are validated without a server', async () => {
    const nowhere = { folder, environment: {} };
    expect(await type(['graphs', 'validate', 'greet.yaml'], nowhere)).toMatchObject({
      code: 0,
      out: 'greet.yaml is valid.\n',
    });
    const people = await type(['graphs', 'validate', 'wrong.yaml'], nowhere);
    expect(people).toMatchObject({ code: 1, out: '', error: expect.stringMatching(/^\/nodes\/0\/kind: /m) });
    const programs = await type(['graphs', 'validate', 'wrong.yaml', '--json'], nowhere);
    expect(programs.code).toBe(1);
    expect(JSON.parse(programs.out)).toMatchObject({
      ...{ valid: false, files: [{ file: 'wrong.yaml', valid: false, violations: [{ pointer: '/nodes/0/kind' }] }] },
    });
    const both = await type(['graphs', 'validate', 'greet.yaml', 'wrong.yaml'], nowhere);
    expect(both).toMatchObject({ code: 1, out: 'greet.yaml is valid.\n' });
    expect(both.error).toMatch(/^wrong\.yaml \/nodes\/0\/kind: /m);
    expect(await type(['graphs', 'validate', 'none.yaml'], nowhere)).toMatchObject({
      code: 1,
      error: expect.stringMatching(/none\.yaml cannot be read \(ENOENT\)\. \(unreadable_file\)/),
    });
  });

  it('are validated by a server, which knows the graphs that others name', async () => {
    const parent = { id: 'a', kind: 'subgraph', graph: 'no-such-graph' };
    const document = { apiVersion: 'millrace/v1', kind: 'Graph', metadata: { name: 'parent' }, nodes: [parent] };
    writeFileSync(join(folder, 'parent.json'), JSON.stringify(document));
    expect(await type(['graphs', 'validate', 'parent.json'], { folder, environment: {} })).toMatchObject({ code: 0 });
    expect(await millrace('graphs', 'validate', 'parent.json', '--server')).toMatchObject({
      code: 1,
      error: expect.stringContaining('/nodes/0/graph: There is no graph no-such-graph'),
    });
  });

  it('have a JSON Schema for editors', async () => {
    const { code, out } = await type(['graphs', 'schema'], { folder, environment: {} });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ type: 'object', properties: { apiVersion: { const: 'millrace/v1' } } });
  });

  it('are made of conversation graphs', async () => {
    const nowhere = { folder, environment: {} };
    const conversation = {
      nodes: [
        ['0', { resource: { name: 'MessageWorker' }, attribute: { value: 'Hello!' }, type: 'start' }],
        ['1', { resource: { name: 'Refund' }, attribute: {} }],
      ],
      edges: [
        ['0', '1', { intent: 'wants a refund', attribute: { weight: 1, pred: true } }],
        ['1', '0', { intent: 'None', attribute: { weight: 1, pred: false } }],
      ],
    };
    writeFileSync(join(folder, 'Shop desk.json'), JSON.stringify(conversation));
    const { code, out, error } = await type(['graphs', 'import', 'Shop desk.json'], nowhere);
    expect([code, error]).toEqual([0, "The way from '1' back to '0' is left out: a run is one turn.\n"]);
    expect(out).toContain('name: shop-desk\n');
    writeFileSync(join(folder, 'imported.yaml'), out);
    expect(await type(['graphs', 'validate', 'imported.yaml'], nowhere)).toMatchObject({ code: 0 });
    writeFileSync(join(folder, 'half.json'), '{"nodes": [["0"]]}');
    expect(await type(['graphs', 'import', 'half.json'], nowhere)).toMatchObject({
      code: 1,
      error: expect.stringContaining('/nodes/0'),
    });
    expect(await type(['graphs', 'import', 'greet.yaml'], nowhere)).toMatchObject({
      code: 1,
      error: expect.stringContaining('invalid_conversation'),
    });
    expect(await type(['graphs', 'import', 'half.json', '--name', 'A B'], nowhere)).toMatchObject({ code: 64 });
  });

  it('are published once, refused with their mistakes, and listed', async () => {
    const first = await jsonOf('graphs', 'publish', 'greet.yaml');
    expect(first).toMatchObject({ name: 'greet', version: 1 });
    const again = await millrace('graphs', 'publish', 'greet.yaml');
    expect(again.out).toBe(`greet@1 ${(first as { digest: string }).digest}\n`);
    expect(await millrace('graphs', 'publish', 'wrong.yaml')).toMatchObject({
      code: 1,
      error: expect.stringContaining('/nodes/0/kind'),
    });
    const names = ((await jsonOf('graphs', 'list')) as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(['content', 'diamond', 'fanout', 'greet']);
    expect((await millrace('graphs', 'list')).out).toContain('Greets.');
  });
});

describe('run', () => {
  it('follows a run to its end and prints its output', async () => {
    const { code, out, error } = await millrace('run', 'greet', '--input', '{"name": "Ada"}');
    expect(JSON.parse(out)).toEqual({ hello: 'Ada' });
    expect(error).toMatch(/echo …[^]*echo done[^]*greet@1 run_[0-9a-f]{32} is completed \(\d/);
    expect(code).toBe(0);
  });

  it('takes a file with a graph, and one with the input', async () => {
    expect(await jsonOf('run', 'greet.yaml', '--input', '@input.json')).toMatchObject({
      status: 'completed',
      output: { hello: 'Ada' },
    });
  });

  it('leaves a detached run to itself, and gives the same one for the same key', async () => {
    const words = ['run', 'fanout', '--detach', '--idempotency-key', 'once'];
    const first = (await jsonOf(...words)) as { id: string; status: string };
    expect(['queued', 'running']).toContain(first.status);
    expect(await jsonOf(...words)).toMatchObject({ id: first.id });
    expect(await millrace('run', 'diamond', '--detach', '--idempotency-key', 'once')).toMatchObject({ code: 1 });
  });

  it('fails with the run, and says why', async () => {
    const words = ['run', 'content', '--input', '{"topic": "The tide", "collection": "none"}'];
    const people = await millrace(...words);
    expect(people.code).not.toBe(0);
    expect(people.error).toMatch(/\(collection_not_found\)\n$/);
    const programs = await millrace(...words, '--json');
    expect(JSON.parse(programs.out)).toMatchObject({ status: 'failed', error: { code: 'collection_not_found' } });
    expect(programs.code).toBe(people.code);
  });

  it.each([
    [['--input', '{"name": '], 'invalid_input', '--input must be a JSON object'],
    [['--input', '["Ada"]'], 'invalid_input', '--input must be a JSON object'],
    [['--input', '@missing.json'], 'unreadable_file', 'missing.json cannot be read (ENOENT)'],
    [['--input', '@broken.json'], 'invalid_input', '--input must be a JSON object'],
    [['--input', '{"name": 7}'], 'invalid_input', '/input/name'],
  ])('refuses %j', async (flags, errorCode, hint) => {
    const { code, out, error } = await millrace('run', 'greet', ...flags);
    expect([code, out]).toEqual([1, '']);
    expect(error).toContain(`(${errorCode})`);
    expect(error).toContain(hint);
  });

  it.each(['broken.json', 'wrong.yaml', 'nothing', 'greet@9', 'Greet!'])('refuses the graph %s', async (graph) => {
    const { code, out, error } = await millrace('run', graph);
    expect([code, out]).toEqual([1, '']);
    expect(error).toMatch(/\((invalid_graph|unknown_graph|graph_not_found|invalid_body|invalid_request)\)/);
  });
});

describe('ingest and search', () => {
  it('read a folder once, and find what stands in it', async () => {
    const first = await jsonOf('ingest', 'docs', '--collection', 'sea');
    const outcomes = (outcome: string) =>
      Object.keys(goodFiles)
        .sort()
        .map((source) => ({ source, outcome }));
    expect(first).toMatchObject({ accepted: outcomes('created'), rejected: [] });
    expect(await jsonOf('ingest', 'docs', '--collection', 'sea')).toMatchObject({ accepted: outcomes('unchanged') });

    const found = (await jsonOf('search', 'tidal bore wave', '--collection', 'sea')) as {
      passages: { source: string }[];
    };
    expect(found.passages[0]?.source).toBe('papers/bore.pdf');
    const { out } = await millrace('search', 'Japanese', '--collection', 'sea', '--limit', '1');
    expect(out).toContain(`names/it's "high" tide – 潮 %22.md:0-`);
    expect(out).toContain('  High tide is called 満潮 in Japanese.');
  });

  it('leave out what cannot be read, and say so', async () => {
    writeBadFiles(join(folder, 'others'));
    writeFiles(join(folder, 'others'), { 'good.md': 'The tide falls.\n' });
    const { code, out } = await millrace('ingest', 'others', '--collection', 'others');
    expect(code).toBe(0);
    expect(out.match(/^left out /gm)).toHaveLength(Object.keys(badFiles).length + 1);
    expect(out).toContain('1 documents are in others.');
  });

  it.each([
    [['ingest', 'nowhere', '--collection', 'sea'], 'folder_not_found'],
    [['ingest', 'docs', '--collection', 'No Name'], 'invalid_body'],
    [['search', 'tide', '--collection', 'none'], 'collection_not_found'],
  ])('refuse %j', async (words, errorCode) => {
    const { code, out, error } = await millrace(...words);
    expect([code, out]).toEqual([1, '']);
    expect(error).toContain(`(${errorCode})`);
  });
});

describe('events', () => {
  it('are those of a run, and of the tenant itself, filtered and page by page', async () => {
    const { id } = (await jsonOf('run', 'greet', '--input', '{"name": "Ada"}')) as { id: string };
    const ended = await jsonOf('events', '--about', id, '--subject', 'run.completed.v1');
    expect(ended).toMatchObject({ items: [{ type: 'millrace.run.completed.v1', data: { runId: id } }], more: false });
    const publish = ['events', 'publish', '--source', '/shop', '--type', 'order.placed.v1'];
    const first = await jsonOf(...publish, '--id', 'o-1', '--data', '{"order": 1}', '--attribute', 'region=north');
    expect(first).toMatchObject({ id: 'o-1', subject: 'custom.order.placed.v1', duplicate: false });
    expect(await millrace(...publish, '--id', 'o-1', '--data', '{"order": 1}', '--attribute', 'region=north')).toEqual({
      code: 0,
      out: 'o-1 had been published before on custom.order.placed.v1.\n',
      error: '',
    });
    await millrace(...publish, '--id', 'o-2', '--about', 'order 2', '--data', '@input.json');
    const listed = await millrace('events', '--type', 'order.placed.v1');
    expect(listed.out).toMatch(
      /^\S+ {2}order\.placed\.v1 {2}- {2}\{"order":1\}\n\S+ {2}order\.placed\.v1 {2}order 2 {2}\{"name":"Ada"\}\n$/,
    );
    const { cursor } = first as { cursor: string };
    expect(await jsonOf('events', '--after', cursor, '--source', '/shop')).toMatchObject({ items: [{ id: 'o-2' }] });
    expect(await jsonOf('events', '--attribute', 'region=north')).toMatchObject({ items: [{ id: 'o-1' }] });
    expect(await millrace('events', '--type', 'nothing')).toMatchObject({ code: 0, out: '' });
  });

  it('are followed', async () => {
    const following = millrace('events', '--follow', '--json', '--after', 'now', '--type', 'followed', '--limit', '2');
    const numbers = [1, 2].map((number) => ['--id', `f-${number}`, '--data', String(number)]);
    // The follower begins when the server has its request; what is published before that is not for it.
    await eventually(async () => {
      for (const words of numbers) {
        await millrace('events', 'publish', '--source', `/${Math.random()}`, '--type', 'followed', ...words);
      }
      return (await Promise.race([following, Promise.resolve(undefined)])) !== undefined;
    });
    const { code, out } = await following;
    expect(code).toBe(0);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(lines.map(({ type: kind }) => kind)).toEqual(['followed', 'followed']);
  });

  it.each([
    [['events', 'publish', '--source', '/millrace/x', '--type', 'a'], 'invalid_event', '/source'],
    [['events', 'publish', '--source', '/x', '--type', 'millrace.run.completed.v1'], 'invalid_event', '/type'],
    [['events', 'publish', '--source', '/x', '--type', 'a', '--data', '{'], 'invalid_data', '--data must be JSON'],
    [
      ['events', 'publish', '--source', '/x', '--type', 'a', '--data', '@none'],
      'unreadable_file',
      'none cannot be read',
    ],
    [['events', 'publish', '--source', '/x', '--type', 'a', '--attribute', 'b'], 'invalid_event', 'name=value'],
    [['events', '--subject', 'a..b'], 'invalid_query', '/subject'],
    [['events', '--after', 'nonsense'], 'invalid_cursor', 'none of ours'],
    [['events', '--follow', '--after', 'nonsense'], 'invalid_cursor', 'none of ours'],
  ])('refuses %j', async (words, errorCode, hint) => {
    const { code, out, error } = await millrace(...words);
    expect([code, out]).toEqual([1, '']);
    expect(error).toContain(`(${errorCode})`);
    expect(error).toContain(hint);
  });
});

describe('keys', () => {
  it('are created with a role, listed without their secrets, and revoked for good', async () => {
    const { id, secret } = (await jsonOf('keys', 'create', '--name', 'reader', '--role', 'viewer')) as Record<
      string,
      string
    >;
    const asReader = (...words: string[]) =>
      type([...words, '--api-key', secret ?? ''], { folder, environment: environment() });
    expect(await asReader('graphs', 'list')).toMatchObject({ code: 0 });
    expect(await asReader('keys', 'list')).toMatchObject({ code: 1, error: expect.stringContaining('(role_too_low)') });

    const listed = await millrace('keys', 'list');
    expect(listed.out).toMatch(/│ reader +│ viewer/);
    expect(listed.out).not.toContain(secret);
    expect(await millrace('keys', 'revoke', id ?? '')).toMatchObject({ code: 0, out: 'reader is revoked.\n' });
    const refused = await asReader('graphs', 'list');
    expect(refused).toMatchObject({
      code: 1,
      error: expect.stringMatching(/\((invalid_api_key|api_key_revoked|unauthenticated)\)/),
    });
    expect(refused.error).not.toContain(secret);
    expect((await millrace('keys', 'create', '--name', 'writer')).out).toMatch(/^\S+\n$/);
  });
});

describe('a command', () => {
  const list = ['graphs', 'list'];

  it('needs a key', async () => {
    expect(await type(list, { folder })).toMatchObject({
      code: 1,
      error: expect.stringContaining('(api_key_missing)'),
    });
  });

  it('is refused with a wrong key', async () => {
    const wrongKey = { ...environment(), MILLRACE_API_KEY: 'mr_nobody' };
    const { code, error } = await type(list, { folder, environment: wrongKey });
    expect(code).toBe(1);
    expect(error).not.toContain('mr_nobody');
  });

  it.each([
    ['http://127.0.0.1:1', 'Cannot reach http://127.0.0.1:1. Is Millrace running there? (server_unreachable)'],
    ['nowhere', 'nowhere is no address of a server. (invalid_url)'],
  ])('says that nobody is at %s', async (url, message) => {
    expect(await millrace(...list, '--url', url)).toEqual({ code: 1, out: '', error: `${message}\n` });
    const { out } = await millrace(...list, '--url', url, '--json');
    expect(JSON.parse(out)).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } });
  });

  it('works as a process too', async () => {
    const { code, out, error } = await workbench.millrace([...list, '--json'], environment()).result();
    expect([code, error]).toEqual([0, '']);
    expect(JSON.parse(out)).toEqual(await jsonOf(...list));
  });
});
