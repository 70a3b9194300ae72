/** Runs that move to another version of their graph, over replicas that come and go. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { RunEvent } from '@millrace/contracts';
import { newId, type JsonObject } from '@millrace/kernel';
import { backendKinds, eventually } from '@millrace/testing';
import { digestOf, replay } from '@millrace/workflow';
import { acme, contextOf, ended, newRunId, sendResult, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';

jest.setTimeout(60_000);

const echo = (id: string, needs: string[] = [], rest: JsonObject = {}): JsonObject => ({
  ...{ id, kind: 'tool', needs, with: { tool: 'echo', arguments: {} } },
  ...rest,
});
const documentOf = (name: string, nodes: JsonObject[], rest: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'millrace/v1', kind: 'Graph', metadata: { name }, nodes },
  ...rest,
});

describe.each(backendKinds)('a run that is moved to another version on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;
  beforeAll(async () => {
    world = await World.open(backend);
    orchestrator = await world.replica('replica-1', { config: { leaseMs: 3_000 } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** Publishes versions of a new graph, and starts a run of the first. */
  async function startedOf(...versions: JsonObject[][]) {
    const name = newId('g').replaceAll('_', '-').slice(0, 60);
    for (const nodes of versions) {
      const document = documentOf(name, nodes);
      await orchestrator.graphs.publish('acme', { name, description: '', digest: digestOf(document), document });
    }
    const runId = newRunId();
    await orchestrator.runs.start(acme, { runId, graph: `${name}@1`, input: {} });
    return { name, runId };
  }
  const eventsOf = async (runId: string): Promise<RunEvent[]> => {
    const { events } = await orchestrator.reader.events('acme', runId, { after: 0, limit: 1_000 });
    return events as unknown as RunEvent[];
  };

  const first = [echo('a'), echo('b', ['a'])];
  const second = [echo('a'), echo('check', ['a']), echo('b', ['a']), echo('c', ['b', 'check'])];

  it('goes on there, also at another replica, and is replayed from its recording', async () => {
    const { name, runId } = await startedOf(first, second);
    await sendResult(world.bus, runId, { node: 'a' });
    const moved = await orchestrator.runs.migrate(acme, { runId, version: 2 });
    expect(moved).toMatchObject({ status: 'running', graph: { name, version: 2 } });
    expect(moved.steps.map(({ node, status }) => [node, status])).toEqual([
      ['a', 'completed'],
      ['check', 'running'],
      ['b', 'running'],
      ['c', 'pending'],
    ]);
    expect(await orchestrator.runs.migrate(acme, { runId, version: 2 })).toEqual(moved);
    await orchestrator.stop();
    orchestrator = await world.replica('replica-2', { config: { leaseMs: 3_000 } });
    expect(await orchestrator.reader.get('acme', runId)).toEqual(moved);
    for (const node of ['check', 'b', 'c']) await sendResult(world.bus, runId, { node });
    expect(await ended(orchestrator, runId)).toMatchObject({ status: 'completed', graph: { version: 2 } });
    const events = await eventsOf(runId);
    expect(events.filter(({ type }) => type === 'RunMigrated')).toMatchObject([
      { data: { from: { name, version: 1 }, to: { name, version: 2 } } },
    ]);
    const recording = await orchestrator.recorder.record('acme', runId);
    expect(recording).toMatchObject({ graph: { version: 2 }, earlier: [{ graph: { version: 1 } }] });
    const replayed = { ...recording, events: events as unknown as JsonObject[] };
    expect(replay(replayed)).toMatchObject({ same: true, view: { status: 'completed' } });
    expect(() => replay({ ...replayed, earlier: [] })).toThrow(expect.objectContaining({ code: 'invalid_recording' }));
  });

  it('is told of, each event with the version that it belongs to', async () => {
    const { runId } = await startedOf(first, second);
    await orchestrator.runs.migrate(acme, { runId, version: 2 });
    await orchestrator.runs.cancel(acme, { runId, reason: 'enough' });
    const told = await eventually(async () => {
      const { messages } = await world.bus.read('evt.acme.run.>', { afterSequence: 0, limit: 1_000 });
      const mine = messages.filter(({ envelope }) => (envelope.data as { runId?: string }).runId === runId);
      return mine.length === 3 && mine;
    });
    expect(told.map(({ subject, envelope }) => [subject, envelope.data])).toMatchObject([
      ['evt.acme.run.started.v1', { graph: { version: 1 } }],
      ['evt.acme.run.migrated.v1', { graph: { version: 2 }, from: { version: 1 } }],
      ['evt.acme.run.cancelled.v1', { graph: { version: 2 } }],
    ]);
  });

  it('goes back and forth while it is paused, and on when it is resumed', async () => {
    const { runId } = await startedOf(first, second, [...first, echo('d')]);
    await orchestrator.runs.pause(acme, { runId, reason: 'to mend it' });
    for (const version of [2, 3, 1, 2]) {
      const run = await orchestrator.runs.migrate(acme, { runId, version });
      expect(run).toMatchObject({ status: 'paused', graph: { version } });
    }
    await sendResult(world.bus, runId, { node: 'a' });
    const resumed = await orchestrator.runs.resume(acme, { runId });
    expect(resumed.steps.filter(({ status }) => status === 'running').map(({ node }) => node)).toEqual(['check', 'b']);
    const { graph } = await orchestrator.recorder.record('acme', runId);
    expect(graph.version).toBe(2);
    expect(
      replay({ ...(await orchestrator.recorder.record('acme', runId)), events: (await eventsOf(runId)) as never }).same,
    ).toBe(true);
    await orchestrator.runs.cancel(acme, { runId, reason: 'enough' });
  });

  it('waits there for an event that was published after it moved', async () => {
    const wait = {
      id: 'paid',
      kind: 'wait',
      needs: ['a'],
      event: { subject: 'custom.paid' },
      timeout: { total: '1h' },
    };
    const { runId } = await startedOf([echo('a'), echo('b', ['a'])], [echo('a'), echo('b', ['a']), wait]);
    await sendResult(world.bus, runId, { node: 'a' });
    await orchestrator.runs.migrate(acme, { runId, version: 2 });
    const waits = await world.database.asService((transaction) =>
      transaction.selectFrom('event_wait').selectAll().where('run_id', '=', runId).execute(),
    );
    expect(waits).toMatchObject([{ node: 'paid', subject: 'custom.paid' }]);
    await orchestrator.runs.cancel(acme, { runId, reason: 'enough' });
  });

  it('stays where it is when it does not fit, has ended, or is somebody else’s', async () => {
    const { name, runId } = await startedOf(first, [echo('x')]);
    const refused = orchestrator.runs.migrate(acme, { runId, version: 2 });
    await expect(refused).rejects.toMatchObject({
      kind: 'mismatch',
      code: 'migration_refused',
      violations: [{ pointer: '/nodes/a', message: 'is running and missing there' }],
    });
    await expect(orchestrator.runs.migrate(acme, { runId, version: 9 })).rejects.toMatchObject({
      code: 'unknown_graph',
    });
    const stranger = orchestrator.runs.migrate(contextOf('other'), { runId, version: 2 });
    await expect(stranger).rejects.toMatchObject({ code: 'unknown_run' });
    expect(await orchestrator.reader.get('acme', runId)).toMatchObject({ graph: { name, version: 1 } });
    await orchestrator.runs.cancel(acme, { runId, reason: 'enough' });
    await expect(orchestrator.runs.migrate(acme, { runId, version: 2 })).rejects.toMatchObject({ code: 'run_ended' });
  });

  it('loses nothing when results and moves come at once', async () => {
    const third = [...second, echo('d', ['c'])];
    const { runId } = await startedOf(first, second, third);
    const moves = [2, 3].map((version) =>
      orchestrator.runs.migrate(acme, { runId, version }).catch((error: { code?: string }) => error.code),
    );
    await Promise.all([...moves, sendResult(world.bus, runId, { node: 'a' })]);
    await orchestrator.runs.migrate(acme, { runId, version: 3 });
    for (const node of ['check', 'b', 'c', 'd']) await sendResult(world.bus, runId, { node });
    expect(await ended(orchestrator, runId)).toMatchObject({ status: 'completed', graph: { version: 3 } });
  });
});
