import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import { acme, ended, newRunId, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { newGraphVersion } from './new-graph-version.js';

const child = (greeting: string): JsonObject => ({
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name: 'child' },
  input: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
  nodes: [{ id: 'echo', kind: 'tool', with: { tool: 'echo' } }],
  output: `${greeting}, \${{ input.name }}!`,
});
const parent = (graph = 'child'): JsonObject => ({
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name: 'parent' },
  nodes: [{ id: 'ask', kind: 'subgraph', graph, with: { name: 'Ada' } }],
  output: '${{ nodes.ask.output }}',
});

describe.each(['postgres', 'pglite'] as const)('subgraphs, on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;
  beforeAll(async () => {
    world = await World.open(backend);
    orchestrator = await world.replica('one');
    await world.worker();
  }, 120_000);
  afterAll(() => world[Symbol.asyncDispose]());

  const publish = async (document: JsonObject, tenantId = 'acme') => {
    const find = (name: string, version?: number) => orchestrator.graphs.get(tenantId, name, version);
    const graph = await newGraphVersion(JSON.stringify(document), find);
    if ('violations' in graph) return graph.violations;
    return orchestrator.graphs.publish(tenantId, graph);
  };
  const outputOf = async (graph: string | JsonObject, tenantId = 'acme') => {
    const run = await orchestrator.runs.start({ ...acme, tenantId }, { runId: newRunId(), graph, input: {} });
    return (await ended(orchestrator, run.id, tenantId)).output;
  };

  it('stay what they were when their parent was published', async () => {
    expect(await publish(parent())).toEqual([
      { pointer: '/nodes/0/graph', message: 'There is no graph child: publish it first.' },
    ]);
    await publish(child('Hello'));
    await publish(parent());
    expect(await outputOf('parent')).toBe('Hello, Ada!');
    await publish(child('Goodbye'));
    expect(await outputOf('parent')).toBe('Hello, Ada!');
    expect(await publish(parent())).toMatchObject({ version: 2 });
    expect(await outputOf('parent')).toBe('Goodbye, Ada!');
    expect(await outputOf('parent@1')).toBe('Hello, Ada!');
    expect(await outputOf(parent('child@1'))).toBe('Hello, Ada!');
    expect(await publish(parent('child@9'))).toMatchObject([{ message: expect.stringContaining('child@9') }]);
  });

  it("are the tenant's own, whatever a document says of itself", async () => {
    const [node] = parent()['nodes'] as JsonObject[];
    const forged = { name: 'child', version: 1, digest: 'a'.repeat(64), document: child('Forged') };
    const document = { ...parent('child@1'), nodes: [{ ...node, graph: 'child@1', pinned: forged }] };
    expect(await outputOf(document)).toBe('Hello, Ada!');
    const starting = outputOf(parent(), 'globex');
    await expect(starting).rejects.toMatchObject({ code: 'invalid_graph' });
  });

  it('are pinned where an agent may call them, and count as deep as elsewhere', async () => {
    const granting = (graph: string, name = 'granting'): JsonObject => ({
      ...{ ...parent(), metadata: { name } },
      nodes: [
        {
          ...{ id: 'helper', kind: 'agent', with: { prompt: 'Help.' } },
          tools: ['echo', { name: 'ask', kind: 'subgraph', graph, description: 'Asks.' }],
        },
      ],
      output: null,
    });
    expect(await publish(granting('nothing'))).toEqual([
      { pointer: '/nodes/0/tools/1/graph', message: 'There is no graph nothing: publish it first.' },
    ]);
    await publish({ ...child('Hello'), metadata: { name: 'asked' } });
    const pinned = { name: 'asked', version: 1, document: { metadata: { name: 'asked' } } };
    expect(await publish(granting('asked'))).toMatchObject({
      document: { nodes: [{ tools: ['echo', { graph: 'asked', pinned }] }] },
    });
    expect(await publish(granting('asked'), 'globex')).toMatchObject([{ pointer: '/nodes/0/tools/1/graph' }]);
    let last: unknown;
    await publish({ ...child('Hi'), metadata: { name: 'deep-0' } });
    for (let level = 1; level < 8 && !Array.isArray(last); level += 1)
      last = await publish(granting(`deep-${level - 1}`, `deep-${level}`));
    expect(last).toMatchObject([{ message: expect.stringContaining('nested deeper') }]);
  });

  it('cannot hold themselves without end', async () => {
    const selfish = (): JsonObject => ({ ...parent('selfish'), metadata: { name: 'selfish' } });
    expect(await publish(selfish())).toMatchObject([{ pointer: '/nodes/0/graph' }]);
    await publish({ ...child('Hi'), metadata: { name: 'selfish' } });
    let published: unknown;
    for (let version = 2; version < 9; version += 1) published = await publish(selfish());
    expect(published).toMatchObject([{ message: expect.stringContaining('nested deeper') }]);
  });
});
