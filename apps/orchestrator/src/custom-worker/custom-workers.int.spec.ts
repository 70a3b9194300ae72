import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  customResultSubject,
  envelopeOf,
  openWorker,
  openWorkerSubject,
  partitionOf,
  taskResult,
  type WorkerIdentity,
} from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { startCustomWorker } from '@millrace/worker';
import { contextOf, ended, sendResult, start, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';

const prices = { tenantId: 'acme', worker: 'prices' };
const graph: JsonObject = {
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name: 'quotes' },
  nodes: [{ id: 'quote', kind: 'worker', worker: 'prices', with: { sku: 'mug' }, timeout: { total: '1m' } }],
  output: '${{ nodes.quote.output }}',
};

describe.each(['postgres', 'pglite'] as const)('workers of tenants, on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;
  beforeAll(async () => {
    world = await World.open(backend);
    orchestrator = await world.replica('one');
  }, 120_000);
  afterAll(() => world[Symbol.asyncDispose]());

  const open = async (identity: WorkerIdentity) => {
    const envelope = envelopeOf(openWorker, contextOf(identity.tenantId), {});
    return openWorker.response.parse(await world.bus.request({ subject: openWorkerSubject(identity), envelope }));
  };
  const answer = async (identity: WorkerIdentity, runId: string, tenantId = identity.tenantId) => {
    const outcome = { status: 'completed', output: { forged: true } } as const;
    const data = { taskId: `${runId}:quote:1`, runId, node: 'quote', attempt: 1, outcome };
    const subject = customResultSubject(identity, partitionOf(runId));
    const envelope = envelopeOf(taskResult, contextOf(tenantId), data);
    return taskResult.response.parse(await world.bus.request({ subject, envelope }));
  };

  it('opens a queue once, and says what it is', async () => {
    expect(await open({ ...prices, worker: 'other' })).toMatchObject({ created: true, ackWaitMs: 30_000 });
    expect(await open({ ...prices, worker: 'other' })).toMatchObject({ created: false });
    await expect(open({ tenantId: 'acme', worker: 'NO' })).rejects.toMatchObject({ code: 'invalid_worker' });
  });

  it('are given the tasks of their tenant, and answer them', async () => {
    const run = await start(orchestrator, graph);
    // The same name in another tenant, and another name in this one, are other workers.
    expect(await answer({ ...prices, tenantId: 'globex' }, run.id)).toMatchObject({ applied: false });
    expect(await answer({ ...prices, worker: 'other' }, run.id)).toEqual({ applied: false, reason: 'stale' });
    await expect(answer({ ...prices, tenantId: 'globex' }, run.id, 'acme')).rejects.toMatchObject({
      code: 'foreign_tenant',
    });
    expect(await sendResult(world.bus, run.id, { node: 'quote' })).toMatchObject({ applied: false });
    const worker = await startCustomWorker({
      ...prices,
      bus: world.bus,
      slots: 1,
      execute: (input, { tenantId }) => Promise.resolve({ output: { ...input, tenantId } }),
    });
    expect(await ended(orchestrator, run.id)).toMatchObject({
      status: 'completed',
      output: { sku: 'mug', tenantId: 'acme' },
    });
    await worker.drain({ graceMs: 1_000 });
  });
});
