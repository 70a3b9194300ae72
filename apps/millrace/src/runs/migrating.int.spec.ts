/** Moving runs to another version of their graph over HTTP and by the command line, against the whole system. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Run } from '@millrace/contracts';
import { TestSystem } from '../host/system.fixture.js';
import { type } from '../terminal/captured-terminal.fixture.js';

let system: TestSystem;
let editor: string;
beforeAll(async () => {
  system = await TestSystem.start();
  editor = await system.key('acme', 'editor');
  for (const nodes of [[go], [go, then], [{ ...go, id: 'other' }]]) await publish(nodes);
}, 180_000);
afterAll(() => system[Symbol.asyncDispose]());

const go = { id: 'go', kind: 'wait', signal: { name: 'go' }, timeout: { total: '1h' } };
const then = { id: 'then', kind: 'transform', needs: ['go'], output: 'as the second says' };
const publish = (nodes: object[]) =>
  system.call('/v1/graphs', editor, {
    ...{ apiVersion: 'millrace/v1', kind: 'Graph', metadata: { name: 'moving' } },
    ...{ nodes, output: `\${{ nodes.${nodes.length > 1 ? 'then' : (nodes[0] as { id: string }).id}.output }}` },
  });
const start = async (): Promise<Run> => (await system.call<Run>('/v1/runs', editor, { graph: 'moving@1' })).body;

describe('POST /v1/runs/{id}:migrate', () => {
  it('moves a run, which goes on there', async () => {
    const { id } = await start();
    const moved = await system.call<Run>(`/v1/runs/${id}:migrate`, editor, { version: 2 });
    expect(moved).toMatchObject({ status: 200, body: { graph: { name: 'moving', version: 2 } } });
    const client = system.client(editor);
    await client.signalRun(id, 'go');
    const events = (await client.listRunEvents(id)).items.map((event) => event.type);
    expect(events).toContain('RunMigrated');
    expect(await client.getRun(id)).toMatchObject({ status: 'completed', output: 'as the second says' });
  });

  it('is refused with what does not fit, and to those who may not', async () => {
    const { id } = await start();
    const path = `/v1/runs/${id}:migrate`;
    expect(await system.call(path, editor, { version: 3 })).toMatchObject({
      status: 422,
      body: { code: 'migration_refused', errors: [{ pointer: '/nodes/go', message: 'is running and missing there' }] },
    });
    for (const body of [{}, { version: 0 }, { version: '2' }, { version: 1e12 }, { version: 2, force: true }])
      expect(await system.call(path, editor, body)).toMatchObject({ status: 400, body: { code: 'invalid_body' } });
    expect(await system.call(path, editor, { version: 7 })).toMatchObject({
      status: 404,
      body: { code: 'unknown_graph' },
    });
    const stranger = await system.key('other', 'admin');
    expect(await system.call(path, stranger, { version: 2 })).toMatchObject({
      status: 404,
      body: { code: 'unknown_run' },
    });
    const viewer = await system.key('acme', 'viewer');
    expect(await system.call(path, viewer, { version: 2 })).toMatchObject({ body: { code: 'role_too_low' } });
    await system.client(editor).cancelRun(id);
    expect(await system.call(path, editor, { version: 2 })).toMatchObject({ status: 409, body: { code: 'run_ended' } });
  });
});

describe('millrace runs migrate', () => {
  it('moves a run, and its recording is replayed without a server', async () => {
    const environment = { MILLRACE_URL: system.url, MILLRACE_API_KEY: editor };
    const millrace = (...words: string[]) => type(['runs', ...words], { folder: system.folder, environment });
    const { id } = await start();
    expect((await millrace('migrate', id, '--to', '2')).out).toBe(`${id} is running, on moving@2.\n`);
    expect((await millrace('migrate', id, '--to', '3')).error).toContain('/nodes/go: is running and missing there');
    expect((await millrace('migrate', id, '--to', 'x')).error).toContain('invalid_body');
    await millrace('signal', id, 'go');
    await millrace('record', id, '--out', 'moved.json');
    const replayed = await type(['runs', 'replay', 'moved.json', '--json'], { folder: system.folder, environment: {} });
    expect(JSON.parse(replayed.out)).toMatchObject({ same: true, status: 'completed', output: 'as the second says' });
  });
});
