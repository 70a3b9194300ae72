import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { TaskOutcome } from '@millrace/contracts';
import { backendKinds, eventually } from '@millrace/testing';
import { acme, contextOf, ended, newRunId, sendResult, start, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { asking, diamond, instant, single } from './graphs.fixture.js';

jest.setTimeout(60_000);

const broken: TaskOutcome = {
  status: 'failed',
  error: { kind: 'invalid', code: 'broken', message: 'It broke.', retryable: false },
};

describe.each(backendKinds)('retrying on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;

  beforeAll(async () => {
    world = await World.open(backend);
    orchestrator = await world.replica('replica-1', { config: { leaseMs: 3_000 } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const retry = (runId: string, from?: string, id = newRunId()) => orchestrator.runs.retry(acme, { runId, id, from });
  const result = (runId: string, node: string, attempt = 1, outcome?: TaskOutcome) =>
    eventually(() => sendResult(world.bus, runId, { node, attempt, ...(outcome && { outcome }) }));
  const eventsOf = (runId: string, after = 0, limit = 100) =>
    orchestrator.reader.events('acme', runId, { after, limit });
  const failedDiamond = async () => {
    const run = await start(orchestrator, diamond);
    await result(run.id, 'a');
    await result(run.id, 'b', 1, broken);
    expect(await ended(orchestrator, run.id)).toMatchObject({ status: 'failed' });
    return run;
  };

  it('goes on after a restart from what failed, keeps what lies before, and takes nothing late', async () => {
    const run = await failedDiamond();
    await orchestrator.stop();
    orchestrator = await world.replica('replica-2', { config: { leaseMs: 3_000 } });
    const retried = await retry(run.id);
    expect(retried).toMatchObject({ status: 'running', finishedAt: null, error: null });
    expect(await orchestrator.reader.get('acme', run.id)).toEqual(retried);
    const listed = await orchestrator.reader.list('acme', { status: 'running' }, null, 10);
    expect(listed).toMatchObject([{ id: run.id, finishedAt: null, error: null }]);
    for (const node of ['b', 'c', 'd'])
      expect(await result(run.id, node, 1)).toEqual({ applied: false, reason: 'stale' });
    for (const node of ['b', 'c', 'd']) expect(await result(run.id, node, 2)).toEqual({ applied: true });
    await result(run.id, 'e');
    await result(run.id, 'f');
    expect(await ended(orchestrator, run.id)).toMatchObject({ status: 'completed', error: null });
    const { events, done } = await eventsOf(run.id);
    expect(done).toBe(true);
    expect(events.map(({ position }) => position)).toEqual(events.map((_event, index) => index + 1));
    const ends = events.filter(({ type }) => ['RunFailed', 'RunRetried', 'RunCompleted'].includes(type));
    expect(ends.map(({ type }) => type)).toEqual(['RunFailed', 'RunRetried', 'RunCompleted']);
    const failure = events.find(({ type }) => type === 'RunFailed')?.position ?? 0;
    expect(await eventsOf(run.id, 0, failure)).toMatchObject({ done: false });
  });

  it('hands its new tasks to a worker, of a run that was cancelled too', async () => {
    const run = await start(orchestrator, single);
    const first = Promise.withResolvers<AbortSignal>();
    const worker = await world.worker(async (_input, { runId, attempt, signal }) => {
      if (runId !== run.id || attempt > 1) return { output: { result: { attempt } } };
      first.resolve(signal);
      return await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('Stopped.')), { once: true });
      });
    });
    const signal = await first.promise;
    await orchestrator.runs.cancel(acme, { runId: run.id, reason: 'enough' });
    await eventually(() => Promise.resolve(signal.aborted));
    await retry(run.id);
    expect(await ended(orchestrator, run.id)).toMatchObject({
      status: 'completed',
      output: { result: { attempt: 2 } },
    });
    await worker.drain({ graceMs: 0 });
  });

  it('happens once, however often and by how many it is asked for', async () => {
    const run = await failedDiamond();
    const answers = await Promise.all(Array.from({ length: 5 }, () => retry(run.id, 'b', 'mine')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['running']));
    const others = await Promise.allSettled(['x', 'y'].map((id) => retry(run.id, 'b', id)));
    for (const each of others) expect(each).toMatchObject({ reason: { code: 'run_not_ended', kind: 'conflict' } });
    const retries = (await eventsOf(run.id)).events.filter(({ type }) => type === 'RunRetried');
    expect(retries).toHaveLength(1);
    await orchestrator.runs.cancel(acme, { runId: run.id, reason: 'enough' });
    expect(await retry(run.id, 'b', 'mine')).toMatchObject({ status: 'cancelled' });
  });

  it('asks for a decision again, as an approval of its own', async () => {
    const run = await start(orchestrator, asking());
    await result(run.id, 'before');
    await orchestrator.runs.cancel(acme, { runId: run.id, reason: 'enough' });
    await retry(run.id);
    const approvals = await orchestrator.approvals.list('acme', { runId: run.id }, null, 10);
    expect(approvals.map(({ status, attempt }) => [status, attempt]).sort()).toEqual([
      ['cancelled', undefined],
      ['pending', 2],
    ]);
  });

  it('is refused where nothing could go on, and for other tenants', async () => {
    const run = await failedDiamond();
    const stranger = contextOf('other');
    const request = { runId: run.id, id: 'x', from: 'b' };
    const unknown = { code: 'unknown_run', kind: 'not-found' };
    await expect(orchestrator.runs.retry(stranger, request)).rejects.toMatchObject(unknown);
    await expect(retry(newRunId())).rejects.toMatchObject(unknown);
    await expect(retry(run.id, 'bb')).rejects.toMatchObject({ code: 'unknown_node' });
    await expect(retry(run.id, 'b[0].x')).rejects.toMatchObject({ code: 'node_inside_container' });
    expect(await orchestrator.reader.get('acme', run.id)).toMatchObject({ status: 'failed' });
    const whole = await start(orchestrator, instant);
    await expect(retry(whole.id)).rejects.toMatchObject({ code: 'nothing_to_retry' });
    expect(await retry(whole.id, 'here')).toMatchObject({ status: 'completed', output: 'done' });
  });
});
