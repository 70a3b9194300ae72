import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import { backendKinds, eventually } from '@millrace/testing';
import { replay } from '@millrace/workflow';
import { acme, ended, sendResult, start, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { diamond } from './graphs.fixture.js';

jest.setTimeout(60_000);

describe.each(backendKinds)('recording on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;

  beforeAll(async () => {
    world = await World.open(backend);
    orchestrator = await world.replica('replica-1', { config: { leaseMs: 3_000 } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const recordingOf = async (runId: string) => {
    const recording = await orchestrator.recorder.record('acme', runId);
    const { events } = await orchestrator.reader.events('acme', runId, { after: 0, limit: recording.position });
    return { ...recording, events: events as unknown as JsonObject[] };
  };

  it('holds all that it takes to come to the same state, of a run that goes on, has ended, and was retried', async () => {
    const run = await start(orchestrator, diamond);
    expect(replay(await recordingOf(run.id))).toMatchObject({ same: true, view: { status: 'running' } });
    for (const node of ['a', 'b', 'c', 'd', 'e', 'f']) await eventually(() => sendResult(world.bus, run.id, { node }));
    await ended(orchestrator, run.id);
    const recording = await recordingOf(run.id);
    expect(replay(recording)).toMatchObject({ same: true, view: { status: 'completed' } });
    await orchestrator.runs.retry(acme, { runId: run.id, id: 'again', from: 'e' });
    const later = await recordingOf(run.id);
    expect(replay(later)).toMatchObject({ same: true, view: { status: 'running' } });
    expect(later.stateHash).not.toBe(recording.stateHash);
  });

  it('is of its own tenant only', async () => {
    const run = await start(orchestrator, diamond);
    await expect(orchestrator.recorder.record('other', run.id)).rejects.toMatchObject({ code: 'unknown_run' });
  });
});
