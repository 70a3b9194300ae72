import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { backendKinds, eventually } from '@millrace/testing';
import {
  acme,
  contextOf,
  ended,
  newRunId,
  runIdOfPartition,
  sendResult,
  start,
  World,
} from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { choosy, diamond, single } from './graphs.fixture.js';

jest.setTimeout(60_000);

describe.each(backendKinds)('forking on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;

  beforeAll(async () => {
    world = await World.open(backend);
    orchestrator = await world.replica('replica-1', { config: { leaseMs: 3_000 } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const fork = (
    parent: string,
    from: string,
    rest: { runId?: string; input?: JsonObject; with?: JsonValue } = {},
    context = acme,
  ) => orchestrator.runs.fork(context, { runId: newRunId(), parent, from, ...rest });
  const result = (runId: string, node: string) => eventually(() => sendResult(world.bus, runId, { node }));
  const finishedDiamond = async () => {
    const run = await start(orchestrator, diamond);
    for (const node of ['a', 'b', 'c', 'd', 'e', 'f']) await result(run.id, node);
    return await ended(orchestrator, run.id);
  };

  it('begins at a node of an ended run, in whatever partition, and leaves that run as it is', async () => {
    const parent = await finishedDiamond();
    for (const partition of [0, 15]) {
      const forked = await fork(parent.id, 'e', { runId: runIdOfPartition(partition) });
      expect(forked).toMatchObject({ status: 'running', graph: parent.graph });
      const { events } = await orchestrator.reader.events('acme', forked.id, { after: 0, limit: 100 });
      expect(events[0]).toMatchObject({ data: { forkedFrom: { runId: parent.id, position: 14, node: 'e' } } });
      expect(events.map(({ type, data }) => [type, data['node']]).slice(1)).toEqual([
        ...['a', 'b', 'c', 'd'].map((node) => ['NodeReused', node]),
        ['NodeScheduled', 'e'],
      ]);
      await result(forked.id, 'e');
      await result(forked.id, 'f');
      expect(await ended(orchestrator, forked.id)).toMatchObject({ status: 'completed' });
    }
    expect(await orchestrator.reader.get('acme', parent.id)).toEqual(parent);
  });

  it('goes on after a restart, with the input that was changed', async () => {
    const parent = await start(orchestrator, single);
    const changed = { tool: 'echo', arguments: { text: 'other' } };
    const forked = await fork(parent.id, 'only', { with: changed });
    await orchestrator.stop();
    orchestrator = await world.replica('replica-2', { config: { leaseMs: 3_000, reconcileAfterMs: 200 } });
    const seen: unknown[] = [];
    const worker = await world.worker((input, { runId }) => {
      if (runId === forked.id) seen.push(input);
      return Promise.resolve({ output: { result: 'done' } });
    });
    expect(await ended(orchestrator, forked.id)).toMatchObject({ status: 'completed', output: { result: 'done' } });
    expect(seen[0]).toEqual(changed);
    await worker.drain({ graceMs: 0 });
  });

  it('is one run, however often it is sent', async () => {
    const parent = await finishedDiamond();
    const runId = newRunId();
    const answers = await Promise.all([1, 2, 3].map(() => fork(parent.id, 'f', { runId })));
    expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([runId]));
    const { events } = await orchestrator.reader.events('acme', runId, { after: 0, limit: 100 });
    expect(events.filter(({ type }) => type === 'RunStarted')).toHaveLength(1);
  });

  it('is refused for what does not fit, and for runs of other tenants', async () => {
    const parent = await start(orchestrator, diamond);
    const stranger = contextOf('other');
    const unknown = { code: 'unknown_run', kind: 'not-found' };
    await expect(fork(parent.id, 'a', {}, stranger)).rejects.toMatchObject(unknown);
    await expect(fork(newRunId(), 'a')).rejects.toMatchObject(unknown);
    await expect(fork(parent.id, 'b')).rejects.toMatchObject({ code: 'fork_not_reached', kind: 'conflict' });
    await expect(fork(parent.id, 'z')).rejects.toMatchObject({ code: 'unknown_node' });
    await expect(fork(parent.id, 'a[0].x')).rejects.toMatchObject({ code: 'node_inside_container' });
    await expect(fork(parent.id, 'a', { with: { tool: 1 } })).rejects.toMatchObject({
      code: 'invalid_node_input',
      violations: [expect.objectContaining({ pointer: '/with/tool' })],
    });
    await expect(fork(parent.id, 'a', { with: { tool: 'echo', arguments: { text: '\u0000' } } })).rejects.toMatchObject(
      {
        code: 'unstorable_text',
      },
    );
    const picky = await orchestrator.runs.start(acme, { runId: newRunId(), graph: choosy, input: { topic: 'mills' } });
    await expect(fork(picky.id, 'only', { input: { topic: '' } })).rejects.toMatchObject({ code: 'invalid_input' });
    expect(await fork(picky.id, 'only', { input: { topic: 'dams' } })).toMatchObject({ input: { topic: 'dams' } });
  });
});
