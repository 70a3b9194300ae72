/** A run that waits for an event which comes over HTTP, and one that waits for another run, against the whole system. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Run } from '@millrace/contracts';
import { eventually } from '@millrace/testing';
import { TestSystem } from '../host/system.fixture.js';

let system: TestSystem;
let editor: string;
beforeAll(async () => {
  system = await TestSystem.start();
  editor = await system.key('acme', 'editor');
}, 180_000);
afterAll(() => system[Symbol.asyncDispose]());

const waiting = (event: object) => ({
  ...{ apiVersion: 'millrace/v1', kind: 'Graph', metadata: { name: 'expectant' } },
  nodes: [{ id: 'it', kind: 'wait', event, timeout: { total: '1h' } }],
  output: '${{ nodes.it.output }}',
});
const start = async (graph: object, input: object = {}): Promise<string> =>
  (await system.call<Run>('/v1/runs', editor, { graph, input })).body.id;
const endOf = (id: string) =>
  eventually(async () => {
    const { body } = await system.call<Run>(`/v1/runs/${id}`, editor);
    return body.finishedAt === null ? false : body;
  });

describe('a wait for an event', () => {
  it('ends with an event that a program publishes', async () => {
    const filter = '${{ event.data.order == input.order }}';
    const id = await start(waiting({ subject: 'custom.order.paid.v1', filter }), { order: 'A-17' });
    const client = system.client(editor);
    const paid = { source: '/shop', type: 'order.paid.v1' };
    await client.publishEvents([
      { ...paid, specversion: '1.0', id: '1', data: { order: 'B-1' } },
      { ...paid, specversion: '1.0', id: '2', data: { order: 'A-17', amount: 12 }, region: 'north' },
    ]);
    expect(await endOf(id)).toMatchObject({
      status: 'completed',
      output: { id: '2', type: 'order.paid.v1', source: '/shop', region: 'north', data: { amount: 12 } },
    });
  });

  it('ends with the end of another run', async () => {
    const graph = { ...waiting({ subject: 'x' }), nodes: [{ id: 'it', kind: 'transform', output: 1 }] };
    const filter = '${{ event.type.startsWith("millrace.run.") }}';
    const id = await start(waiting({ subject: 'run.completed.v1', filter }));
    const other = await start({ ...graph, metadata: { name: 'other' } });
    expect(await endOf(id)).toMatchObject({ status: 'completed', output: { subject: other } });
  });
});
