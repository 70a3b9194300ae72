import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { liveBeatsSubject, partitionOf, type LiveTaskBeat } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { deferred, eventually } from '@millrace/testing';
import type { Task } from './index.js';
import { contractFor, ResultTaker, Workshop } from './testing/workshop.js';

let bus: MessageBus;
let taker: ResultTaker;
let shop: Workshop;
const runId = newId('run');
let beats: LiveTaskBeat[];

beforeEach(async () => {
  bus = createInProcessBus();
  taker = await ResultTaker.start(bus);
  shop = new Workshop(bus, contractFor('double'));
  beats = [];
  await bus.subscribe(
    liveBeatsSubject(partitionOf(runId)),
    ({ envelope }) => void beats.push(envelope.data as LiveTaskBeat),
  );
});
afterEach(async () => {
  await shop.close();
  await bus.drain({ graceMs: 0 });
});

const untilAborted = (_input: unknown, { signal }: Task): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
const firstOutcome = async () =>
  (await eventually(() => taker.results.length > 0 && taker.results)).map(({ outcome }) => outcome)[0];

describe('an attempt', () => {
  it.each([
    [{ attemptMs: 30 }, 'attempt_timeout'],
    [{ idleMs: 30 }, 'idle_timeout'],
  ])('with %j ends with %s, worth another try', async (limits, code) => {
    await shop.start({ execute: untilAborted });
    await shop.publish({ runId, ...limits });
    expect(await firstOutcome()).toMatchObject({ status: 'failed', error: { code, kind: 'timeout', retryable: true } });
  });

  it('may take as long as it likes while it shows progress', async () => {
    const enough = deferred();
    const report = { reports: 0, timer: undefined as NodeJS.Timeout | undefined };
    await shop.start({
      execute: async (input, task) => {
        const ways = [() => task.progress(), () => task.emitToken('x'), () => task.heartbeat()];
        report.timer = setInterval(() => ways[(report.reports += 1) % ways.length]?.(), 5);
        await enough.promise;
        return { output: { doubled: input.number * 2 } };
      },
    });
    await shop.publish({ runId, idleMs: 100 });
    await eventually(() => report.reports > 60 && beats.length > 3);
    enough.resolve();
    clearInterval(report.timer);
    expect(await firstOutcome()).toMatchObject({ status: 'completed' });
  });

  it('tells the owner of its run when it begins, gets further and ends, where its node limits idleness', async () => {
    await shop.start({ execute: untilAborted });
    const { node, attempt } = await shop.publish({ runId, idleMs: 40 });
    await firstOutcome();
    const beat = { runId, node, attempt, idleMs: 40 };
    await eventually(() => beats.some(({ ended }) => ended));
    expect(beats).toEqual([
      { ...beat, ended: false },
      { ...beat, ended: true },
    ]);
  });

  it('tells nothing where its node does not', async () => {
    await shop.start({ execute: ({ number }) => Promise.resolve({ output: { doubled: number } }) });
    await shop.publish({ runId, attemptMs: 1_000 });
    await firstOutcome();
    await eventually(() => shop.workers[0]?.activeTasks === 0);
    expect(beats).toEqual([]);
  });
});
