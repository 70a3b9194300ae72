/** Retrying over HTTP and by the command line, against the whole system. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Run } from '@millrace/contracts';
import { eventually } from '@millrace/testing';
import { TestSystem } from '../host/system.fixture.js';
import { type } from '../terminal/captured-terminal.fixture.js';

let system: TestSystem;
let editor: string;
beforeAll(async () => {
  system = await TestSystem.start();
  editor = await system.key('acme', 'editor');
}, 180_000);
afterAll(() => system[Symbol.asyncDispose]());

const graph = {
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name: 'stumbling' },
  nodes: [
    { id: 'first', kind: 'tool', with: { tool: 'echo', arguments: { text: 'one' } } },
    { id: 'go', kind: 'wait', needs: ['first'], signal: { name: 'go' }, timeout: { total: '1h' } },
    { id: 'check', kind: 'transform', needs: ['go'], output: '${{ 10 / int(nodes.go.output.data) }}' },
  ],
  output: '${{ nodes.check.output }}',
};
const runOf = async (id: string): Promise<Run> => (await system.call<Run>(`/v1/runs/${id}`, editor)).body;
const endOf = (id: string) => eventually(async () => ((await runOf(id)).finishedAt === null ? false : runOf(id)));
const failedRun = async (): Promise<string> => {
  const { id } = (await system.call<Run>('/v1/runs', editor, { graph })).body;
  await system.client(editor).signalRun(id, 'go', 0);
  expect(await endOf(id)).toMatchObject({ status: 'failed', error: { node: 'check' } });
  return id;
};

describe('POST /v1/runs/{id}/retry', () => {
  it('lets a run go on from a node; its stream tells of both ends', async () => {
    const id = await failedRun();
    const retried = await system.call<Run>(`/v1/runs/${id}/retry?from=go`, editor, {});
    expect(retried).toMatchObject({ status: 200, body: { status: 'running', finishedAt: null } });
    await system.client(editor).signalRun(id, 'go', 5);
    expect(await endOf(id)).toMatchObject({ status: 'completed', output: 2 });
    const seen: string[] = [];
    for await (const item of system.client(editor).streamRun(id)) {
      if (item.kind === 'event' && item.event.type.startsWith('Run')) seen.push(item.event.type);
    }
    expect(seen).toEqual(['RunStarted', 'RunFailed', 'RunRetried', 'RunCompleted']);
    const { body } = await system.call<{ items: { type: string; data: object }[] }>(
      '/v1/events?subject=run.retried.v1',
      editor,
    );
    expect(body.items).toMatchObject([{ data: { runId: id, from: ['go'], generation: 1 } }]);
  });

  it('is refused for others, and for what does not fit', async () => {
    const id = await failedRun();
    const stranger = await system.key('other', 'admin');
    const viewer = await system.key('acme', 'viewer');
    const path = `/v1/runs/${id}/retry`;
    expect(await system.call(path, stranger, {})).toMatchObject({ status: 404, body: { code: 'unknown_run' } });
    expect(await system.call(path, viewer, {})).toMatchObject({ status: 403, body: { code: 'role_too_low' } });
    expect(await system.call(path, editor, '[')).toMatchObject({ status: 400, body: { code: 'malformed_json' } });
    expect(await system.call(path, editor, { from: 'go' })).toMatchObject({
      status: 400,
      body: { code: 'invalid_body' },
    });
    expect(await system.call(`${path}?form=go`, editor, {})).toMatchObject({ status: 400 });
    expect(await system.call(`${path}?from=${'x'.repeat(501)}`, editor, {})).toMatchObject({ status: 400 });
    expect(await system.call(`${path}?from=gone`, editor, {})).toMatchObject({
      status: 404,
      body: { code: 'unknown_node' },
    });
    expect(await system.call('/v1/runs/x/retry', editor, {})).toMatchObject({ status: 400 });
    expect(await runOf(id)).toMatchObject({ status: 'failed' });
  });
});

describe('millrace runs retry', () => {
  it('lets a run go on, once for each key', async () => {
    const id = await failedRun();
    const environment = { MILLRACE_URL: system.url, MILLRACE_API_KEY: editor };
    const millrace = (...words: string[]) => type(['runs', 'retry', ...words], { folder: system.folder, environment });
    const retried = await millrace(id, '--from', 'go', '--idempotency-key', 'mine');
    expect(retried).toEqual({ code: 0, out: `${id} is running.\n`, error: '' });
    expect(JSON.parse((await millrace(id, '--from', 'go', '--idempotency-key', 'mine', '--json')).out)).toMatchObject({
      id,
      status: 'running',
    });
    expect((await millrace(id)).error).toContain('run_not_ended');
  });
});
