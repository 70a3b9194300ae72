/** Forking over HTTP and by the command line, against the whole system. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Run } from '@millrace/contracts';
import { eventually } from '@millrace/testing';
import { TestSystem } from '../host/system.fixture.js';
import { type } from '../terminal/captured-terminal.fixture.js';

let system: TestSystem;
let editor: string;
let parent: Run;
beforeAll(async () => {
  system = await TestSystem.start();
  editor = await system.key('acme', 'editor');
  parent = await endOf((await system.call<Run>('/v1/runs', editor, { graph })).body.id);
}, 180_000);
afterAll(() => system[Symbol.asyncDispose]());

const echo = (id: string, text: string, needs: string[] = []) => ({
  ...{ id, kind: 'tool', needs },
  with: { tool: 'echo', arguments: { text } },
});
const graph = {
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name: 'two-steps' },
  nodes: [echo('one', 'first'), echo('two', 'second', ['one'])],
  output: '${{ [nodes.one.output.result.text, nodes.two.output.result.text] }}',
};
const endOf = (id: string) =>
  eventually(async () => {
    const { body } = await system.call<Run>(`/v1/runs/${id}`, editor);
    return body.finishedAt === null ? false : body;
  });

describe('POST /v1/runs/{id}/fork', () => {
  it('starts a run at a node, once for each key', async () => {
    const body = { from: 'two', with: { tool: 'echo', arguments: { text: 'changed' } } };
    const path = `/v1/runs/${parent.id}/fork`;
    const [first, again] = [
      await system.call<Run>(path, editor, body, { 'idempotency-key': 'mine' }),
      await system.call<Run>(path, editor, body, { 'idempotency-key': 'mine' }),
    ];
    expect(first).toMatchObject({ status: 202, body: { status: 'running', graph: parent.graph } });
    expect(again).toMatchObject({ status: 202, body: { id: first.body.id } });
    expect(await endOf(first.body.id)).toMatchObject({ status: 'completed', output: ['first', 'changed'] });
    expect(await system.call(path, editor, { from: 'one' }, { 'idempotency-key': 'mine' })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
  });

  it('is refused for others, and for what does not fit', async () => {
    const path = `/v1/runs/${parent.id}/fork`;
    const from = { from: 'two' };
    const stranger = await system.key('other', 'admin');
    const viewer = await system.key('acme', 'viewer');
    expect(await system.call(path, stranger, from)).toMatchObject({ status: 404, body: { code: 'unknown_run' } });
    expect(await system.call(path, viewer, from)).toMatchObject({ status: 403, body: { code: 'role_too_low' } });
    expect(await system.call(path, editor, '[')).toMatchObject({ status: 400, body: { code: 'malformed_json' } });
    for (const body of [{}, { ...from, more: 1 }, { from: '' }, { ...from, input: [] }])
      expect(await system.call(path, editor, body)).toMatchObject({ status: 400, body: { code: 'invalid_body' } });
    expect(await system.call(path, editor, { from: 'three' })).toMatchObject({
      status: 404,
      body: { code: 'unknown_node' },
    });
    expect(await system.call(path, editor, { ...from, with: { arguments: {} } })).toMatchObject({
      status: 400,
      body: { code: 'invalid_node_input', errors: [{ pointer: '/with/tool' }] },
    });
  });
});

describe('millrace runs fork', () => {
  it('starts a run at a node', async () => {
    const environment = { MILLRACE_URL: system.url, MILLRACE_API_KEY: editor };
    const millrace = (...words: string[]) => type(['runs', 'fork', ...words], { folder: system.folder, environment });
    const forked = JSON.parse((await millrace(parent.id, '--from', 'two', '--json')).out) as Run;
    expect(forked.id).not.toBe(parent.id);
    expect(await endOf(forked.id)).toMatchObject({ output: ['first', 'second'] });
    expect((await millrace(parent.id, '--from', 'two', '--input', '[]')).error).toContain(
      '--input must be a JSON object',
    );
  });
});
