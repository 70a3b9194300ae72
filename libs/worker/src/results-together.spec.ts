import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { taskResults, type Envelope, type ResultTogether } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { deferred, eventually } from '@millrace/testing';
import { z } from 'zod';
import { contractFor, ResultTaker, Workshop } from './testing/workshop.js';

const togetherTo = 'result.replica_1.v1';
const applied = { applied: true };

let bus: MessageBus;
/** What goes to the partition, result by result. */
let taker: ResultTaker;
let shop: Workshop;
let requests: Envelope[];
let reply: (results: readonly ResultTogether[]) => unknown;

beforeEach(async () => {
  bus = createInProcessBus();
  taker = await ResultTaker.start(bus);
  shop = new Workshop(bus, contractFor('together'));
  requests = [];
  reply = (results) => ({ verdicts: results.map(() => applied) });
});
afterEach(async () => {
  await shop.close();
  await bus.drain({ graceMs: 0 });
});

const openReplica = () =>
  bus.respond(togetherTo, { queue: 'orchestrator', maxInFlight: 100 }, ({ envelope }) => {
    requests.push(envelope);
    return Promise.resolve(reply(taskResults.request.parse(envelope.data).results));
  });

/** So many tasks that are done in one turn. */
async function finishAtOnce(count: number, textOf: (index: number) => string = () => '') {
  const gate = deferred();
  let begun = 0;
  const worker = await shop.start({
    slots: count,
    execute: async ({ number }) => {
      begun += 1;
      await gate.promise;
      return { output: { doubled: number * 2, text: textOf(number) } as { doubled: number } };
    },
  });
  for (let number = 0; number < count; number += 1) await shop.publish({ togetherTo, input: { number } });
  await eventually(() => begun === count);
  gate.resolve();
  return worker;
}

const resultsIn = ({ data }: Envelope): readonly ResultTogether[] => taskResults.request.parse(data).results;
const outputs = (results: readonly { outcome: unknown }[]): unknown[] =>
  results.map(({ outcome }) => (outcome as { output: { doubled: number } }).output.doubled).sort();

describe('results of one turn', () => {
  it('go to the replica that published their tasks in one request, and each task is done when it is answered', async () => {
    await openReplica();
    const worker = await finishAtOnce(5);
    await eventually(() => worker.activeTasks === 0);
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ type: 'task.results', version: 1, tenantId: 'acme', correlationId: 'req_1' });
    expect(outputs(resultsIn(requests[0]!))).toEqual([0, 2, 4, 6, 8]);
    expect(resultsIn(requests[0]!).every(({ traceparent }) => traceparent === '00-1-2-01')).toBe(true);
    expect(taker.requests).toBe(0);
  });

  it('each have a verdict: what fails is sent by itself, its neighbours are done', async () => {
    const busy = new MillraceError('overloaded', 'orchestrator_overloaded', 'Busy.').toShape();
    const stale = { applied: false, reason: 'stale' };
    reply = (results) => ({
      verdicts: results.map((_result, index) => [applied, { error: busy }, stale][index]),
    });
    await openReplica();
    const worker = await finishAtOnce(3);
    await eventually(() => worker.activeTasks === 0);
    expect(requests).toHaveLength(1);
    expect(taker.results).toMatchObject([{ taskId: resultsIn(requests[0]!)[1]?.taskId }]);
  });

  it('that are refused for good become failures that say so', async () => {
    const error = new MillraceError('invalid', 'invalid_result', 'No.').toShape();
    reply = (results) => ({
      verdicts: results.map(({ outcome }) => (outcome.status === 'completed' ? { error } : applied)),
    });
    await openReplica();
    const worker = await finishAtOnce(2);
    await eventually(() => worker.activeTasks === 0);
    expect(requests).toHaveLength(2);
    for (const { outcome } of resultsIn(requests[1]!))
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'result_refused' } });
    expect(taker.requests).toBe(0);
  });

  it('go to their partition where the replica is gone, which is not asked again', async () => {
    const worker = await finishAtOnce(3);
    await eventually(() => taker.results.length === 3 && worker.activeTasks === 0);
    await openReplica();
    await shop.publish({ togetherTo, input: { number: 9 } });
    await eventually(() => taker.results.length === 4);
    expect(requests).toHaveLength(0);
  });

  it.each([
    ['says too little', { verdicts: [applied] }],
    ['is none', 'thanks'],
    ['says what nobody understands', { verdicts: [applied, { applied: 'perhaps' }] }],
  ])('go to their partition where the reply %s', async (_title, answer) => {
    reply = () => answer;
    await openReplica();
    const worker = await finishAtOnce(2);
    await eventually(() => worker.activeTasks === 0);
    const taken = new Set(taker.results.map(({ taskId }) => taskId));
    const answered = answer !== 'thanks' && (answer as { verdicts: unknown[] }).verdicts.length === 1 ? 1 : 0;
    expect(taken.size).toBe(2 - answered);
  });

  it('of different tenants do not share a request', async () => {
    await openReplica();
    const gate = deferred();
    let begun = 0;
    const worker = await shop.start({
      slots: 4,
      execute: async () => {
        begun += 1;
        await gate.promise;
        return { output: { doubled: 1 } };
      },
    });
    for (const tenantId of ['acme', 'globex', 'acme', 'globex']) await shop.publish({ togetherTo }, { tenantId });
    await eventually(() => begun === 4);
    gate.resolve();
    await eventually(() => worker.activeTasks === 0);
    expect(requests.map(({ tenantId, data }) => [tenantId, (data as { results: unknown[] }).results.length])).toEqual([
      ['acme', 2],
      ['globex', 2],
    ]);
  });

  it('are no more than 64 in one request, and not much together; a large one goes by itself', async () => {
    shop = new Workshop(bus, { ...shop.contract, output: z.looseObject({ doubled: z.number() }) });
    await openReplica();
    const worker = await finishAtOnce(70, (number) => 'x'.repeat(number === 0 ? 20_000 : 8_000));
    await eventually(() => worker.activeTasks === 0);
    expect(taker.results).toHaveLength(1);
    expect(requests.reduce((sum, request) => sum + resultsIn(request).length, 0)).toBe(69);
    for (const request of requests) expect(JSON.stringify(request).length).toBeLessThan(160_000);
  });

  it('do not keep a worker from handing its tasks back while nobody answers', async () => {
    const never = deferred();
    await bus.respond(togetherTo, { queue: 'orchestrator', maxInFlight: 100 }, ({ envelope }) => {
      requests.push(envelope);
      return never.promise;
    });
    const worker = await finishAtOnce(2);
    await eventually(() => requests.length === 1);
    await worker.drain({ graceMs: 0 });
    expect(worker.activeTasks).toBe(0);
    never.resolve();
  });
});
