/** The priority of a run over HTTP, in a graph and by the command line, against the whole system. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Problem, Run, RunEvent } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { TestSystem } from '../host/system.fixture.js';
import { type } from '../terminal/captured-terminal.fixture.js';

let system: TestSystem;
let editor: string;
beforeAll(async () => {
  system = await TestSystem.start();
  editor = await system.key('acme', 'editor');
}, 180_000);
afterAll(() => system[Symbol.asyncDispose]());

const graph = (rest: JsonObject = {}) => ({
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name: 'urgent' },
  nodes: [{ id: 'only', kind: 'transform', output: 1 }],
  ...rest,
});
async function priorityOf({ id }: Pick<Run, 'id'>): Promise<unknown> {
  const { body } = await system.call<{ items: RunEvent[] }>(`/v1/runs/${id}/events`, editor);
  const [first] = body.items;
  return first?.type === 'RunStarted' ? first.data.priority : 'no start';
}

describe('the priority of a run', () => {
  it.each<[JsonObject, JsonObject, unknown]>([
    [{}, {}, undefined],
    [{}, { priority: 'high' }, 'high'],
    [{ priority: 'low' }, {}, 'low'],
    [{ priority: 'low' }, { priority: 'high' }, 'high'],
    [{ priority: 'high' }, { priority: 'normal' }, undefined],
  ])('of a graph with %j, started with %j, is %s', async (ofGraph, ofStart, priority) => {
    const { status, body } = await system.call<Run>('/v1/runs', editor, { graph: graph(ofGraph), ...ofStart });
    expect(status).toBe(202);
    expect(await priorityOf(body)).toBe(priority);
  });

  it.each(['urgent', 'HIGH', '', 3, null, ['high'], { high: true }, 'x'.repeat(100_000)])(
    'cannot be %j, in a start or in a graph',
    async (priority) => {
      expect(await system.call<Problem>('/v1/runs', editor, { graph: graph(), priority })).toMatchObject({
        status: 400,
        body: { errors: [{ pointer: '/priority' }] },
      });
      expect(await system.call<Problem>('/v1/runs', editor, { graph: graph({ priority }) })).toMatchObject({
        body: { code: 'invalid_graph', errors: [{ pointer: '/graph/priority' }] },
      });
    },
  );

  it('is part of what an idempotency key stands for', async () => {
    const headers = { 'idempotency-key': 'once' };
    const first = await system.call<Run>('/v1/runs', editor, { graph: graph(), priority: 'low' }, headers);
    expect(first.status).toBe(202);
    expect((await system.call('/v1/runs', editor, { graph: graph(), priority: 'high' }, headers)).status).toBe(422);
  });

  it('can be said on the command line', async () => {
    await system.client(editor).publishGraph({ text: JSON.stringify(graph()), format: 'json' });
    const run = (priority: string) =>
      type(['run', 'urgent', '--priority', priority, '--json'], {
        folder: system.folder,
        environment: { MILLRACE_URL: system.url, MILLRACE_API_KEY: editor },
      });
    const { out } = await run('high');
    expect(await priorityOf(JSON.parse(out) as Run)).toBe('high');
    expect(await run('urgent')).toMatchObject({ code: expect.any(Number), error: expect.stringContaining('high') });
  });
});
