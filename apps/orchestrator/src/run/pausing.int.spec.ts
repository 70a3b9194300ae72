import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { backendKinds, eventually } from '@millrace/testing';
import { acme, contextOf, ended, newRunId, sendResult, start, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { diamond, single } from './graphs.fixture.js';

jest.setTimeout(60_000);

describe.each(backendKinds)('pausing on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;

  beforeAll(async () => {
    world = await World.open(backend);
    orchestrator = await world.replica('replica-1', { config: { leaseMs: 3_000 } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const pause = (runId: string) => orchestrator.runs.pause(acme, { runId, reason: 'lunch' });
  const resume = (runId: string) => orchestrator.runs.resume(acme, { runId });
  const finish = (runId: string, node: string) => eventually(() => sendResult(world.bus, runId, { node }));
  const scheduled = async (runId: string) =>
    (await orchestrator.reader.events('acme', runId, { after: 0, limit: 100 })).events
      .filter(({ type }) => type === 'NodeScheduled')
      .map(({ data }) => data['node']);

  it('holds a run back through a restart, and goes on where it was', async () => {
    const run = await start(orchestrator, diamond);
    expect(await pause(run.id)).toMatchObject({ status: 'paused' });
    expect(await pause(run.id)).toMatchObject({ status: 'paused' });
    expect(await finish(run.id, 'a')).toEqual({ applied: true });
    const listed = await orchestrator.reader.list('acme', { status: 'paused' }, null, 10);
    expect(listed.map(({ id }) => id)).toEqual([run.id]);

    await orchestrator.stop();
    orchestrator = await world.replica('replica-2', { config: { leaseMs: 3_000 } });
    expect(await orchestrator.reader.get('acme', run.id)).toMatchObject({ status: 'paused', finishedAt: null });
    expect(await scheduled(run.id)).toEqual(['a']);
    expect(await resume(run.id)).toMatchObject({ status: 'running' });
    expect(await resume(run.id)).toMatchObject({ status: 'running' });
    expect(await scheduled(run.id)).toEqual(['a', 'b', 'c', 'd']);
    expect(await orchestrator.reader.list('acme', { status: 'paused' }, null, 10)).toEqual([]);
    for (const node of ['b', 'c', 'd', 'e', 'f']) await finish(run.id, node);
    expect(await ended(orchestrator, run.id)).toMatchObject({ status: 'completed' });
  });

  it('begins no attempt while it is paused', async () => {
    const error = { kind: 'unavailable', code: 'down', message: 'Down.', retryable: true } as const;
    const run = await start(orchestrator, single);
    await pause(run.id);
    await eventually(() => sendResult(world.bus, run.id, { node: 'only', outcome: { status: 'failed', error } }));
    const timers = await world.database.asService((transaction) =>
      transaction.selectFrom('run_timer').select('timer').where('run_id', '=', run.id).execute(),
    );
    expect(timers).toEqual([{ timer: 'timeout' }]);
    await resume(run.id);
    await eventually(async () => (await scheduled(run.id)).length === 2);
    await eventually(() => sendResult(world.bus, run.id, { node: 'only', attempt: 2 }));
    expect(await ended(orchestrator, run.id)).toMatchObject({ status: 'completed' });
  });

  it('is refused for what has ended, is unknown, or is of another tenant', async () => {
    const run = await start(orchestrator, single);
    const stranger = contextOf('other');
    const unknown = { code: 'unknown_run', kind: 'not-found' };
    await expect(orchestrator.runs.pause(stranger, { runId: run.id, reason: '' })).rejects.toMatchObject(unknown);
    await expect(orchestrator.runs.resume(stranger, { runId: run.id })).rejects.toMatchObject(unknown);
    await expect(pause(newRunId())).rejects.toMatchObject(unknown);
    expect(await resume(run.id)).toMatchObject({ status: 'running' });
    await orchestrator.runs.cancel(acme, { runId: run.id, reason: 'enough' });
    await expect(pause(run.id)).rejects.toMatchObject({ code: 'run_ended', kind: 'conflict' });
    await expect(resume(run.id)).rejects.toMatchObject({ code: 'run_ended' });
  });
});
