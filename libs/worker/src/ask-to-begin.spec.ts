import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { taskBegin, type TaskBegin } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { eventually } from '@millrace/testing';
import type { Task } from './index.js';
import { contractFor, ResultTaker, Workshop } from './testing/workshop.js';

const replyTo = 'result.5.v1';
let bus: MessageBus;
let shop: Workshop;
let asked: TaskBegin[];
let results: unknown[];
let grant: (request: TaskBegin) => boolean;
let worked: Task[];

beforeEach(async () => {
  bus = createInProcessBus();
  await ResultTaker.start(bus);
  shop = new Workshop(bus, contractFor('double', { ackWaitMs: 100 }));
  [asked, results, worked] = [[], [], []];
  grant = () => true;
  await bus.respond(replyTo, { queue: 'orchestrator', maxInFlight: 100 }, ({ envelope }) => {
    if (envelope.type !== taskBegin.name) {
      results.push((envelope.data as { outcome: unknown }).outcome);
      return Promise.resolve({ applied: true });
    }
    const request = taskBegin.request.parse(envelope.data);
    asked.push(request);
    return Promise.resolve({ granted: grant(request) });
  });
});
afterEach(async () => {
  await shop.close();
  await bus.drain({ graceMs: 0 });
});

const execute = ({ number }: { number: number }, task: Task) => {
  worked.push(task);
  return Promise.resolve({ output: { doubled: number * 2 } });
};
const publish = (rest = {}) => shop.publish({ replyTo, asksToBegin: true, ...rest });

describe('work that must not be done twice', () => {
  it('begins after it was granted', async () => {
    await shop.start({ execute });
    const { runId, node, attempt, taskId } = await publish();
    await eventually(() => results.length === 1);
    expect(asked).toEqual([{ taskId, runId, node, attempt, claim: expect.any(String) as unknown }]);
    expect(worked).toHaveLength(1);
  });

  it('is left to the delivery that may do it', async () => {
    grant = () => false;
    const worker = await shop.start({ execute });
    await publish();
    await eventually(() => asked.length === 1 && worker.activeTasks === 0);
    expect([worked, results]).toEqual([[], []]);
  });

  it('asks with the same claim again when a reply is lost', async () => {
    let losses = 2;
    grant = () => {
      if ((losses -= 1) >= 0) throw new Error('lost');
      return true;
    };
    await shop.start({ execute });
    await publish();
    await eventually(() => results.length === 1);
    expect(new Set(asked.map(({ claim }) => claim)).size).toBe(1);
    expect([asked.length, worked.length]).toEqual([3, 1]);
  });

  it('says that nobody knows what became of it where an earlier delivery was let go', async () => {
    const untilAborted = (_input: unknown, { signal }: Task): Promise<never> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const first = await shop.start({ execute: untilAborted });
    await publish();
    await eventually(() => asked.length === 1);
    grant = () => false;
    await first.drain({ graceMs: 0 });
    await shop.start({ execute });
    await eventually(() => results.length === 1);
    expect(results).toMatchObject([{ status: 'failed', error: { code: 'effect_uncertain', kind: 'unavailable' } }]);
    expect(worked).toEqual([]);
  });

  it('does not ask where the task does not say so, and hands a key on', async () => {
    await shop.start({ execute });
    await publish({ asksToBegin: undefined, idempotencyKey: `order-${newId('x')}` });
    await eventually(() => results.length === 1);
    expect(asked).toEqual([]);
    expect(worked[0]?.idempotencyKey).toMatch(/^order-/);
  });
});
