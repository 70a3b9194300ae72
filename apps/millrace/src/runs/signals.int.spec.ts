/** Signals over HTTP and by the command line, against the whole system. */
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
  metadata: { name: 'payment' },
  nodes: [{ id: 'paid', kind: 'wait', signal: { name: 'paid' }, timeout: { total: '1h' } }],
  output: '${{ nodes.paid.output.data }}',
};

const start = async (): Promise<Run> => (await system.call<Run>('/v1/runs', editor, { graph })).body;
const pathOf = ({ id }: Run, name = 'paid'): string => `/v1/runs/${id}/signals/${name}`;

describe('POST /v1/runs/{id}/signals/{name}', () => {
  it('completes the node that waits for it, once', async () => {
    const run = await start();
    expect(run.steps).toMatchObject([{ node: 'paid', status: 'waiting' }]);
    const headers = { 'idempotency-key': 'payment-17' };
    const answer = await system.call<Run>(pathOf(run), editor, { data: { amount: 7 } }, headers);
    expect(answer).toMatchObject({ status: 200, body: { status: 'completed', output: { amount: 7 } } });
    const again = await system.call<Run>(pathOf(run), editor, { data: { amount: 7 } }, headers);
    expect(again).toMatchObject({ status: 200, body: { status: 'completed', output: { amount: 7 } } });
    const another = await system.call(pathOf(run), editor, {});
    expect(another).toMatchObject({ status: 409, body: { code: 'run_ended' } });
  });

  it('is refused for what is no signal of the run', async () => {
    const run = await start();
    expect(await system.call(pathOf(run, 'payed'), editor, {})).toMatchObject({
      status: 404,
      body: { code: 'unknown_signal', detail: expect.stringContaining('It waits for: paid.') },
    });
    for (const name of ['A', 'a.b', '%00', '..%2Fcancel', 'x'.repeat(64)]) {
      expect(await system.call(pathOf(run, name), editor, {})).toMatchObject({
        status: 400,
        body: { code: 'invalid_path' },
      });
    }
    const bodies: [string, number, string][] = [
      ['{"data": ', 400, 'malformed_json'],
      ['{"date": 1}', 400, 'invalid_body'],
      ['[]', 400, 'invalid_body'],
      ['{"data": "\\u0000"}', 400, 'invalid_body'],
      ['{"data": {"__proto__": 1}}', 400, 'forbidden_property'],
      [JSON.stringify({ data: 'x'.repeat(70_000) }), 413, 'signal_too_large'],
    ];
    for (const [body, status, code] of bodies) {
      expect(await system.call(pathOf(run), editor, body)).toMatchObject({ status, body: { code } });
    }
    const key = { 'idempotency-key': 'two words' };
    expect(await system.call(pathOf(run), editor, {}, key)).toMatchObject({ status: 400 });
    expect((await system.call<Run>(`/v1/runs/${run.id}`, editor)).body.status).toBe('running');
  });

  it('belongs to the tenant and needs an editor', async () => {
    const run = await start();
    const stranger = await system.key('other', 'admin');
    expect(await system.call(pathOf(run), stranger, {})).toMatchObject({ status: 404, body: { code: 'unknown_run' } });
    const viewer = await system.key('acme', 'viewer');
    expect(await system.call(pathOf(run), viewer, {})).toMatchObject({ status: 403, body: { code: 'role_too_low' } });
    expect((await system.call<Run>(`/v1/runs/${run.id}`, editor)).body.status).toBe('running');
  });
});

describe('millrace runs signal', () => {
  const millrace = (...words: string[]) =>
    type(words, { folder: system.folder, environment: { MILLRACE_URL: system.url, MILLRACE_API_KEY: editor } });

  it('sends the signal and says how the run is', async () => {
    const run = await start();
    expect(await millrace('runs', 'signal', run.id, 'paid', '--data', 'paid')).toMatchObject({
      code: 1,
      error: expect.stringContaining('(invalid_input)'),
    });
    expect(await millrace('runs', 'signal', run.id, 'paid', '--data', '[7]')).toEqual({
      code: 0,
      out: `${run.id} is completed.\n`,
      error: '',
    });
    const shown = await millrace('runs', 'signal', run.id, 'paid', '--json');
    expect(JSON.parse(shown.out)).toMatchObject({ error: { code: 'run_ended' } });
  });

  it('is told of by who follows the run', async () => {
    await system.client(editor).publishGraph({ text: JSON.stringify(graph), format: 'json' });
    const followed = millrace('run', 'payment');
    const run = await eventually(async () => {
      const { items } = await system.client(editor).listRuns({ graph: 'payment', limit: 1 });
      return items[0] ?? false;
    });
    await system.client(editor).signalRun(run.id, 'paid', 'thanks');
    const { out, error } = await followed;
    expect(JSON.parse(out)).toBe('thanks');
    expect(error).toContain('paid waits for the signal paid');
  });
});
