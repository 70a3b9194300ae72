/** Pausing and resuming over HTTP and by the command line, against the whole system. */
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
  metadata: { name: 'slow' },
  nodes: [
    { id: 'wait', kind: 'wait', signal: { name: 'go' }, timeout: { total: '1h' } },
    { id: 'then', kind: 'tool', needs: ['wait'], with: { tool: 'echo', arguments: { text: 'done' } } },
  ],
  output: '${{ nodes.then.output.result }}',
};
const start = async (): Promise<Run> => (await system.call<Run>('/v1/runs', editor, { graph })).body;

describe('POST /v1/runs/{id}/pause and /resume', () => {
  it('hold a run back, and let it go on', async () => {
    const { id } = await start();
    const paused = await system.call<Run>(`/v1/runs/${id}/pause`, editor, { reason: 'lunch' });
    expect(paused).toMatchObject({ status: 200, body: { status: 'paused' } });
    await system.client(editor).signalRun(id, 'go');
    const { body } = await system.call<{ items: Run[] }>('/v1/runs?status=paused', editor);
    expect(body.items).toMatchObject([{ id, status: 'paused' }]);
    expect((await system.call<Run>(`/v1/runs/${id}`, editor)).body.steps).toMatchObject([
      { node: 'wait', status: 'completed' },
      { node: 'then', status: 'pending' },
    ]);
    expect(await system.call(`/v1/runs/${id}/resume`, editor, {})).toMatchObject({ status: 200 });
    const done = await eventually(async () => {
      const { body: run } = await system.call<Run>(`/v1/runs/${id}`, editor);
      return run.finishedAt !== null && run;
    });
    expect(done).toMatchObject({ status: 'completed', output: { text: 'done' } });
    expect(await system.call(`/v1/runs/${id}/pause`, editor, {})).toMatchObject({
      status: 409,
      body: { code: 'run_ended' },
    });
  });

  it('are refused for others, and for what does not fit', async () => {
    const { id } = await start();
    const stranger = await system.key('other', 'admin');
    const viewer = await system.key('acme', 'viewer');
    for (const verb of ['pause', 'resume']) {
      const path = `/v1/runs/${id}/${verb}`;
      expect(await system.call(path, stranger, {})).toMatchObject({ status: 404, body: { code: 'unknown_run' } });
      expect(await system.call(path, viewer, {})).toMatchObject({ status: 403, body: { code: 'role_too_low' } });
      expect(await system.call(path, editor, '[')).toMatchObject({ status: 400, body: { code: 'malformed_json' } });
      expect(await system.call(path, editor, { force: true })).toMatchObject({
        status: 400,
        body: { code: 'invalid_body' },
      });
      expect(await system.call(`/v1/runs/x/${verb}`, editor, {})).toMatchObject({ status: 400 });
    }
    const long = { reason: 'x'.repeat(1_001) };
    expect(await system.call(`/v1/runs/${id}/pause`, editor, long)).toMatchObject({ status: 400 });
    expect((await system.call<Run>(`/v1/runs/${id}`, editor)).body.status).toBe('running');
  });
});

describe('millrace runs', () => {
  it('pauses and resumes', async () => {
    const { id } = await start();
    const environment = { MILLRACE_URL: system.url, MILLRACE_API_KEY: editor };
    const millrace = (...words: string[]) => type(['runs', ...words], { folder: system.folder, environment });
    expect(await millrace('pause', id, '--reason', 'lunch')).toEqual({ code: 0, out: `${id} is paused.\n`, error: '' });
    expect(JSON.parse((await millrace('resume', id, '--json')).out)).toMatchObject({ id, status: 'running' });
  });
});
