/** Removing runs over HTTP and by the command line, against the whole system. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Run } from '@millrace/contracts';
import { eventually } from '@millrace/testing';
import { TestSystem } from '../host/system.fixture.js';
import { type } from '../terminal/captured-terminal.fixture.js';

let system: TestSystem;
let admin: string;
beforeAll(async () => {
  system = await TestSystem.start();
  admin = await system.key('acme', 'admin');
}, 180_000);
afterAll(() => system[Symbol.asyncDispose]());

const graph = {
  ...{ apiVersion: 'millrace/v1', kind: 'Graph', metadata: { name: 'small' } },
  nodes: [{ id: 'n', kind: 'transform', output: 1 }],
};
const waiting = { ...graph, nodes: [{ id: 'n', kind: 'wait', signal: { name: 'go' }, timeout: { total: '1h' } }] };
const start = async (document: object = graph): Promise<string> =>
  (await system.call<Run>('/v1/runs', admin, { graph: document })).body.id;

async function remove(
  id: string,
  key = admin,
): Promise<{ status: number; body: Partial<Run> & { readonly code?: string } }> {
  return await eventually(
    async () => {
      const headers = { authorization: `Bearer ${key}` };
      const response = await fetch(`${system.url}/v1/runs/${id}`, { method: 'DELETE', headers });
      const body = (await response.json()) as Partial<Run> & { readonly code?: string };
      return body.code !== 'run_just_ended' && { status: response.status, body };
    },
    { timeoutMs: 30_000 },
  );
}

describe('DELETE /v1/runs/{id}', () => {
  it('removes a run that has ended, and says so from then on', async () => {
    const id = await start();
    expect(await remove(id)).toMatchObject({ status: 200, body: { id, status: 'completed' } });
    expect(await remove(id)).toMatchObject({ status: 404, body: { code: 'run_removed' } });
    for (const path of ['', '/events', '/recording', '/stream'])
      expect(await system.call(`/v1/runs/${id}${path}`, admin)).toMatchObject({
        status: 404,
        body: { code: 'run_removed' },
      });
    expect(await system.call(`/v1/runs/${id}/fork`, admin, { from: 'n' })).toMatchObject({
      body: { code: 'run_removed' },
    });
    const { body } = await system.call<{ items: Run[] }>('/v1/runs', admin);
    expect(body.items.map((run) => run.id)).not.toContain(id);
  });

  it('is refused for a run that goes on, and to those who may not', async () => {
    const id = await start(waiting);
    expect(await remove(id)).toMatchObject({ status: 409, body: { code: 'run_not_ended' } });
    expect(await remove(id, await system.key('acme', 'editor'))).toMatchObject({
      status: 403,
      body: { code: 'role_too_low' },
    });
    expect(await remove(id, await system.key('other', 'admin'))).toMatchObject({
      status: 404,
      body: { code: 'unknown_run' },
    });
    expect(await remove('run_1')).toMatchObject({ status: 400, body: { code: 'invalid_path' } });
    await system.client(admin).cancelRun(id);
  });
});

describe('millrace runs delete', () => {
  it('removes a run', async () => {
    const environment = { MILLRACE_URL: system.url, MILLRACE_API_KEY: admin };
    const millrace = (...words: string[]) => type(['runs', ...words], { folder: system.folder, environment });
    const id = await start();
    await eventually(async () => (await millrace('delete', id)).out === `${id} is removed.\n`, { timeoutMs: 30_000 });
    expect((await millrace('delete', id)).error).toContain('run_removed');
  });
});
