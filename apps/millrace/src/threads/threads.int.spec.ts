/** Threads over HTTP and by the command line, against the whole system. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Problem, Run, Thread, ThreadState } from '@millrace/contracts';
import { newId, type JsonObject } from '@millrace/kernel';
import { readGraph } from '@millrace/workflow';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestSystem } from '../host/system.fixture.js';
import { type } from '../terminal/captured-terminal.fixture.js';

const file = join(import.meta.dirname, '../../../../examples/graphs/conversation.yaml');
/** Waits for a signal, so that its thread is held as long as a test wants it. */
const waiting: JsonObject = {
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name: 'waiting' },
  thread: { onBusy: 'reject', state: { last: '${{ run.id }}' } },
  nodes: [{ id: 'go', kind: 'wait', signal: { name: 'go' }, timeout: { total: '1h' } }],
  output: '${{ thread.version }}',
};

let system: TestSystem;
let editor: string;
let conversation: JsonObject;
beforeAll(async () => {
  system = await TestSystem.start();
  editor = await system.key('acme', 'editor');
  const read = readGraph(readFileSync(file, 'utf8'));
  if ('violations' in read) throw new Error(JSON.stringify(read.violations));
  conversation = read.document;
}, 180_000);
afterAll(() => system[Symbol.asyncDispose]());

const newThread = (): string => newId('talk');
const start = (body: JsonObject, headers = {}) => system.call<Run>('/v1/runs', editor, body, headers);
const go = (run: Run) => system.client(editor).signalRun(run.id, 'go');
const whole = { prefer: 'wait=20' };
/** A PATCH of a thread's state, as plain HTTP. */
async function patch(thread: string, body: unknown, headers: Record<string, string> = {}, key = editor) {
  const response = await fetch(`${system.url}/v1/threads/${thread}/state`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/merge-patch+json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return {
    status: response.status,
    etag: response.headers.get('etag'),
    body: (await response.json()) as ThreadState & Problem,
  };
}

describe('runs in a thread', () => {
  it('remember, one after the other', async () => {
    const thread = newThread();
    for (const [index, message] of ['Good morning', 'How are you?', 'Good night'].entries()) {
      const { status, body } = await start({ graph: conversation, input: { message }, thread }, whole);
      expect([status, body.thread, body.output]).toMatchObject([200, thread, { turn: index + 1 }]);
    }
    const client = system.client(editor);
    const said = ['Good morning', 'How are you?', 'Good night'];
    expect(await client.threads.state(thread)).toMatchObject({ version: 3, state: { turns: 3, said } });
    const { items: runs } = await client.listRuns({ thread });
    expect(runs.map((run) => run.thread)).toEqual([thread, thread, thread]);
    const first = await client.threads.history(thread, { limit: 2 });
    expect(first.items.map(({ version, runId }) => [version, runId])).toEqual([
      [3, runs[0]?.id],
      [2, runs[1]?.id],
    ]);
    const second = await client.threads.history(thread, { limit: 2, cursor: first.cursor ?? '' });
    expect(second).toMatchObject({ items: [{ version: 1, state: { turns: 1 } }], cursor: null });
    expect((await client.threads.list()).items.find(({ id }) => id === thread)).toMatchObject({
      ...{ version: 3, run: null, queued: 0 },
    });
  });

  it('are refused, queued or interrupt, as the graph or the start says', async () => {
    const thread = newThread();
    const first = (await start({ graph: waiting, thread })).body;
    const key = { 'idempotency-key': newId('start') };
    const refused = await start({ graph: waiting, thread }, key);
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'thread_busy', detail: expect.stringContaining(first.id), errors: [{ message: first.id }] },
    });
    const queued = await start({ graph: waiting, thread, onBusy: 'queue' });
    expect(queued).toMatchObject({ status: 202, body: { status: 'queued', startedAt: null, thread } });
    const client = system.client(editor);
    expect(await client.threads.get(thread)).toMatchObject({ run: first.id, queued: 1 });
    expect((await client.listRuns({ status: 'queued' })).items.map(({ id }) => id)).toEqual([queued.body.id]);
    await expect(client.threads.delete(thread)).rejects.toMatchObject({ code: 'thread_busy' });

    const urgent = (await start({ graph: waiting, thread, onBusy: 'interrupt' })).body;
    const cancelled = await ended(first);
    expect(cancelled.error?.message).toBe(`interrupted by ${urgent.id} in the thread ${thread}`);
    await go(urgent);
    expect((await ended(urgent)).output).toBe(0);
    await go(queued.body);
    expect((await ended(queued.body)).output).toBe(1);
    // The same request again: what was refused was not stored.
    const again = await start({ graph: waiting, thread }, key);
    expect(again.status).toBe(202);
    await go(again.body);
    await ended(again.body);
    await client.threads.delete(thread);
    await expect(client.threads.state(thread)).rejects.toMatchObject({ code: 'unknown_thread' });
    expect((await client.getRun(again.body.id)).thread).toBe(thread);
  });

  async function ended({ id }: Run): Promise<Run> {
    const client = system.client(editor);
    for await (const item of client.streamRun(id)) void item;
    return await client.getRun(id);
  }

  it('are refused for what does not fit', async () => {
    const graph = conversation;
    const input = { message: 'x' };
    for (const thread of ['', 'a b', '../x', '.x', 'x'.repeat(129), 'ü', 7, null, ['x'], { id: 'x' }, '\u0000'])
      expect(await start({ graph, input, thread })).toMatchObject({
        status: 400,
        body: { code: 'invalid_body', errors: [{ pointer: expect.stringContaining('/thread') }] },
      });
    expect(await start({ graph, input, thread: 'x', onBusy: 'wait' })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/onBusy' }] },
    });
    expect(await start({ graph, input, onBusy: 'queue' })).toMatchObject({
      status: 400,
      body: { code: 'thread_missing', errors: [{ pointer: '/thread' }] },
    });
    const thread = newThread();
    expect(await start({ graph, input: {}, thread })).toMatchObject({ status: 400, body: { code: 'invalid_input' } });
    expect(await start({ graph: 'nobody', input, thread })).toMatchObject({ status: 404 });
    await expect(system.client(editor).threads.get(thread)).rejects.toMatchObject({ code: 'unknown_thread' });
  });
});

describe('the state of a thread', () => {
  it('is changed by whoever knows its version', async () => {
    const thread = newThread();
    expect(await patch(thread, { a: 1 })).toMatchObject({ status: 428, body: { code: 'precondition_required' } });
    expect(await patch(thread, { a: 1 }, { 'if-match': '*' })).toMatchObject({ status: 404 });
    expect(await patch(thread, { a: 1 }, { 'if-match': '"1"' })).toMatchObject({ status: 412 });
    const begun = await patch(thread, { a: 1, b: { c: 2, d: null } }, { 'if-match': '"0"' });
    expect(begun).toMatchObject({ status: 200, etag: '"1"', body: { version: 1, state: { a: 1, b: { c: 2 } } } });
    const read = await system.raw(`/v1/threads/${thread}/state`, editor);
    expect([read.headers.get('etag'), await read.json()]).toEqual(['"1"', begun.body]);
    expect(await patch(thread, { a: null }, { 'if-match': '"0"' })).toMatchObject({
      ...{ status: 412, body: { code: 'thread_version_mismatch', title: 'Precondition Failed' } },
    });
    expect(await patch(thread, { a: null }, { 'if-match': '"1"' })).toMatchObject({
      ...{ etag: '"2"', body: { state: { b: { c: 2 } } } },
    });
    expect((await patch(thread, {}, { 'if-match': '*' })).etag).toBe('"3"');
  });

  it('is refused for what it cannot hold', async () => {
    const thread = newThread();
    const first = { 'if-match': '"0"' };
    for (const wrong of ['1', 'W/"0"', '"x"', '"0", "1"', '"-1"', '"01"', '"9999999999"'])
      expect(await patch(thread, {}, { 'if-match': wrong })).toMatchObject({
        status: 400,
        body: { code: 'invalid_headers' },
      });
    for (const body of ['[1]', '1', 'null', '"x"', '{"a": 1', ''])
      expect((await patch(thread, body, first)).status).toBe(400);
    const deep = `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`;
    expect(await patch(thread, deep, first)).toMatchObject({ status: 400, body: { code: 'thread_state_too_deep' } });
    expect(await patch(thread, { a: 'x'.repeat(270_000) }, first)).toMatchObject({
      ...{ status: 413, body: { code: 'thread_state_too_large' } },
    });
    expect((await patch(thread, { a: 'x'.repeat(400_000) }, first)).status).toBe(413);
    expect((await patch(thread, '{"a": "\\u0000"}', first)).status).toBe(400);
    expect((await patch(thread, {}, { ...first, 'content-type': 'text/plain' })).status).toBe(415);
    expect((await patch('a%20b', {}, first)).status).toBe(400);
    await expect(system.client(editor).threads.get(thread)).rejects.toMatchObject({ code: 'unknown_thread' });
    const hostile = await patch(thread, '{"__proto__": {"x": 1}, "constructor": 2}', first);
    expect(hostile.status).toBe(400);
    expect(({} as { x?: number }).x).toBeUndefined();
    for (const path of [
      '/v1/threads?cursor=x',
      `/v1/threads/${newThread()}/history?cursor=x`,
      '/v1/threads?limit=0',
      `/v1/threads/x/history?limit=51`,
    ])
      expect((await system.call(path, editor)).status).toBe(400);
  });

  it('belongs to its tenant alone', async () => {
    const thread = newThread();
    await patch(thread, { secret: 1 }, { 'if-match': '"0"' });
    const stranger = await system.key('other', 'admin');
    const viewer = await system.key('acme', 'viewer');
    for (const path of ['', '/state', '/history'])
      expect(await system.call(`/v1/threads/${thread}${path}`, stranger)).toMatchObject({
        status: 404,
        body: { code: 'unknown_thread' },
      });
    expect((await patch(thread, { x: 1 }, { 'if-match': '"1"' }, stranger)).status).toBe(412);
    await expect(system.client(stranger).threads.delete(thread)).rejects.toMatchObject({ code: 'unknown_thread' });
    expect((await system.client(stranger).threads.list()).items).toEqual([]);
    expect((await patch(thread, { own: 1 }, { 'if-match': '"0"' }, stranger)).body.state).toEqual({ own: 1 });
    expect((await patch(thread, { x: 1 }, { 'if-match': '"1"' }, viewer)).status).toBe(403);
    await expect(system.client(viewer).threads.delete(thread)).rejects.toMatchObject({ code: 'role_too_low' });
    expect((await system.client(viewer).threads.state(thread)).state).toEqual({ secret: 1 });
    expect((await system.raw(`/v1/threads/${thread}`, 'nobody')).status).toBe(401);
  });
});

describe('millrace threads', () => {
  it('shows, changes and forgets what a thread remembers', async () => {
    const environment = { MILLRACE_URL: system.url, MILLRACE_API_KEY: editor };
    const millrace = (...words: string[]) => type(words, { folder: system.folder, environment });
    const thread = newThread();
    const threads = (action: string, ...words: string[]) => millrace('threads', action, thread, ...words);
    const said = await millrace('run', file, '--thread', thread, '--input', '{"message": "Hello"}');
    expect(JSON.parse(said.out)).toEqual({ turn: 1, answer: 'We have not met.' });
    expect(JSON.parse((await threads('state')).out)).toEqual({ turns: 1, said: ['Hello'] });
    expect((await threads('show')).out).toBe(`${thread} is of version 1; no run is under way, 0 wait.\n`);
    expect((await threads('patch', '{"turns": 7}', '--if-version', '1')).out).toBe(`${thread} is of version 2 now.\n`);
    expect((await threads('patch', '{"turns": 8}', '--if-version', '1')).error).toContain('thread_version_mismatch');
    expect((await threads('patch', '[]', '--if-version', '1')).error).toContain('must be a JSON object');
    expect((await threads('patch', '{}', '--if-version', 'x')).error).toContain('invalid_version');
    expect((await threads('history')).out).toMatch(/2 .*- .*"turns":7/);
    expect(JSON.parse((await threads('show', '--json')).out) as Thread).toMatchObject({ id: thread, version: 2 });
    expect((await millrace('threads', 'list')).out).toContain(thread);
    expect((await threads('delete')).out).toBe(`${thread} is forgotten.\n`);
    expect((await threads('state')).error).toContain('unknown_thread');
    expect((await millrace('run', file, '--thread', thread, '--on-busy', 'x')).code).not.toBe(0);
    expect((await millrace('run', file, '--on-busy', 'queue', '--input', '{"message": "x"}')).error).toContain(
      'thread_missing',
    );
  });
});
