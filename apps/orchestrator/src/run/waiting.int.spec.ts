/** Runs that wait, for a time and for signals, while replicas come and go. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Run } from '@millrace/contracts';
import type { JsonValue } from '@millrace/kernel';
import { backendKinds, eventually } from '@millrace/testing';
import { acme, contextOf, ended, newRunId, start, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { hasty, patient, sleepy } from './graphs.fixture.js';

jest.setTimeout(60_000);

describe.each(backendKinds)('waiting on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;

  beforeAll(async () => {
    world = await World.open(backend);
    orchestrator = await world.replica('replica-1', { config: { leaseMs: 3_000 } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const signal = (runId: string, data: JsonValue, id: string, context = acme): Promise<Run> =>
    orchestrator.runs.signal(context, { runId, id, name: 'go', data });
  const eventTypes = async (runId: string) =>
    (await orchestrator.reader.events('acme', runId, { after: 0, limit: 100 })).events.map(({ type }) => type);

  it('goes on when the time has come, and no sooner', async () => {
    const run = await start(orchestrator, sleepy);
    expect(run.steps).toMatchObject([{ status: 'waiting' }]);
    const done = await ended(orchestrator, run.id);
    expect(done.status).toBe('completed');
    expect(Date.parse(done.finishedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(done.output as string));
    const timers = await world.database.asService((transaction) =>
      transaction.selectFrom('run_timer').select('run_id').execute(),
    );
    expect(timers).toEqual([]);
  });

  it('goes on after a restart with the time and the signals that came before it', async () => {
    const [sleeping, waiting] = [await start(orchestrator, sleepy), await start(orchestrator, patient)];
    await signal(waiting.id, 1, 'one');
    await orchestrator.stop();
    orchestrator = await world.replica('replica-2', { config: { leaseMs: 3_000 } });
    expect(await ended(orchestrator, sleeping.id)).toMatchObject({ status: 'completed' });
    await signal(waiting.id, 1, 'one');
    expect(await orchestrator.reader.get('acme', waiting.id)).toMatchObject({ status: 'running' });
    await signal(waiting.id, 2, 'two');
    expect(await ended(orchestrator, waiting.id)).toMatchObject({ status: 'completed', output: [1, 2] });
  });

  it('takes a signal once, however often and wherever it is sent', async () => {
    const other = await world.replica('replica-3', { config: { leaseMs: 3_000 } });
    const run = await start(orchestrator, patient);
    const senders = [orchestrator, other].flatMap((replica) => Array.from({ length: 10 }, () => replica));
    await Promise.all(senders.map(({ runs }) => runs.signal(acme, { runId: run.id, id: 'same', name: 'go', data: 7 })));
    expect((await eventTypes(run.id)).filter((type) => type === 'SignalReceived')).toHaveLength(1);
    await signal(run.id, 8, 'other');
    expect(await ended(orchestrator, run.id)).toMatchObject({ output: [7, 8] });
    expect(await signal(run.id, 8, 'other')).toMatchObject({ status: 'completed' });
    await expect(signal(run.id, 9, 'third')).rejects.toMatchObject({ code: 'run_ended', kind: 'conflict' });
  });

  it('refuses what the run does not wait for, what is too large, and strangers', async () => {
    const run = await start(orchestrator, patient);
    const unknown = orchestrator.runs.signal(acme, { runId: run.id, id: 'x', name: 'stop', data: null });
    await expect(unknown).rejects.toMatchObject({ code: 'unknown_signal', kind: 'not-found' });
    await expect(signal(run.id, 'x'.repeat(70_000), 'x')).rejects.toMatchObject({ code: 'signal_too_large' });
    await expect(signal(run.id, 'half \ud800', 'x')).rejects.toMatchObject({ code: 'unstorable_input' });
    await expect(signal(newRunId(), 1, 'x')).rejects.toMatchObject({ code: 'unknown_run' });
    await expect(signal(run.id, 1, 'x', contextOf('other'))).rejects.toMatchObject({ code: 'unknown_run' });
    expect(await eventTypes(run.id)).not.toContain('SignalReceived');
  });

  it('gives up when no signal comes', async () => {
    const run = await start(orchestrator, hasty);
    const failed = await ended(orchestrator, run.id);
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'timeout', node: 'x' } });
    await eventually(async () => (await eventTypes(run.id)).at(-1) === 'RunFailed');
  });
});
