import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { liveTokensSubject, type LiveToken } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { connectJetStream, type MessageBus } from '@millrace/messaging';
import { startTracing } from '@millrace/telemetry';
import {
  deferred,
  eventually,
  startNatsServer,
  startScript,
  startTraceReceiver,
  type NatsServer,
} from '@millrace/testing';
import { contractFor, ResultTaker, Workshop } from './testing/workshop.js';

let nats: NatsServer;
let bus: MessageBus;
let taker: ResultTaker;
let kinds = 0;
let shop: Workshop;

beforeAll(async () => {
  nats = await startNatsServer({ exclusive: true });
}, 120_000);
afterAll(() => nats?.stop());

beforeEach(async () => {
  bus = await connectJetStream({ servers: nats.url, name: 'spec' });
  taker = await ResultTaker.start(bus);
  kinds += 1;
  shop = new Workshop(bus, contractFor(`double-${kinds}`, { ackWaitMs: 1_000 }));
});
afterEach(async () => {
  await shop.close();
  await bus.drain({ graceMs: 0 });
});

const double = ({ number }: { number: number }) => Promise.resolve({ output: { doubled: number * 2 } });
const results = (count: number) =>
  eventually(() => taker.results.length >= count && taker.results, { timeoutMs: 30_000 });

describe('a worker over NATS', () => {
  it('executes each task once, with two replicas', async () => {
    const executed: string[] = [];
    const execute = async (input: { number: number }, { taskId }: { taskId: string }) => {
      executed.push(taskId);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return double(input);
    };
    await shop.start({ execute });
    await shop.start({ execute });
    const published = await Promise.all(Array.from({ length: 40 }, () => shop.publish()));
    await results(40);
    expect(executed.sort()).toEqual(published.map(({ taskId }) => taskId).sort());
  }, 60_000);

  it('gets back the task of one that was killed', async () => {
    const child = startScript(
      `import { connectJetStream } from '@millrace/messaging';
       import { startWorker } from '@millrace/worker';
       import { contractFor } from './libs/worker/src/testing/workshop.ts';
       const bus = await connectJetStream({ servers: process.env.SPEC_NATS_URL, name: 'killed' });
       const contract = contractFor(process.env.SPEC_KIND, { ackWaitMs: 1_000 });
       const execute = () => { console.log('working'); return new Promise(() => undefined); };
       await startWorker({ bus, contract, slots: 1, execute });`,
      { environment: { SPEC_NATS_URL: nats.url, SPEC_KIND: shop.contract.taskKind } },
    );
    await shop.publish();
    await eventually(() => child.output.standard.includes('working'), { timeoutMs: 30_000 });
    await child.kill();
    const deliveries: number[] = [];
    await shop.start({
      execute: (input, task) => {
        deliveries.push(task.deliveryCount);
        return double(input);
      },
    });
    await results(1);
    expect(deliveries).toEqual([2]);
  }, 60_000);

  it('leaves a trace that leads from the second attempt to what the killed one had done', async () => {
    const receiver = await startTraceReceiver();
    const tracing = await startTracing({
      service: 'second',
      environment: receiver.environment,
      onProblem: () => undefined,
    });
    const child = startScript(
      `import { connectJetStream } from '@millrace/messaging';
       import { inSpan, startTracing } from '@millrace/telemetry';
       import { startWorker } from '@millrace/worker';
       import { contractFor } from './libs/worker/src/testing/workshop.ts';
       await startTracing({ service: 'first', environment: process.env, onProblem: console.error });
       const bus = await connectJetStream({ servers: process.env.SPEC_NATS_URL, name: 'killed' });
       const contract = contractFor(process.env.SPEC_KIND, { ackWaitMs: 1_000 });
       const step = () => ({ name: 'step', kind: 'internal', attributes: {} });
       const execute = () => { void inSpan(step, async () => undefined); return new Promise(() => undefined); };
       await startWorker({ bus, contract, slots: 1, execute });`,
      { environment: { SPEC_NATS_URL: nats.url, SPEC_KIND: shop.contract.taskKind, ...receiver.environment } },
    );
    const sent = (name: string, service: string) =>
      eventually(
        () => {
          const span = receiver.spans.find((each) => each.name === name && each.service === service);
          if (span === undefined) throw new Error(`${name} of ${service} is not there.`);
          return span;
        },
        { timeoutMs: 30_000, describe: `${name} of ${service} is sent` },
      );
    try {
      await shop.publish({}, {}, { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` });
      const step = await sent('step', 'first');
      await child.kill();
      await shop.start({ execute: double });
      await results(1);
      const { subject } = shop.contract;
      const again = await sent(`process ${subject}`, 'second');
      const publish = await sent(`publish ${subject}`, 'second');
      expect(again).toMatchObject({ parentSpanId: publish.spanId, attributes: { 'millrace.delivery.count': 2 } });
      // The first attempt never ended, so its span was never sent; it is known by the link and by what it had done.
      expect(again.links).toMatchObject([{ spanId: step.parentSpanId, traceId: step.traceId }]);
      expect(receiver.spans.map(({ spanId }) => spanId)).not.toContain(step.parentSpanId);
    } finally {
      await child.kill();
      await tracing.shutdown({ timeoutMs: 1_000 });
      await receiver.close();
    }
  }, 60_000);

  it('keeps a result while NATS is away, and sends it afterwards', async () => {
    const gate = deferred();
    let executions = 0;
    const worker = await shop.start({
      execute: async (input) => {
        executions += 1;
        await gate.promise;
        return double(input);
      },
    });
    const { taskId } = await shop.publish();
    await eventually(() => worker.activeTasks === 1);
    await nats.kill();
    try {
      await eventually(async () => !(await shop.bus.health()).ready);
      gate.resolve();
    } finally {
      await nats.restart();
    }
    const [result] = await results(1);
    expect(result).toMatchObject({ taskId, outcome: { status: 'completed' } });
    expect(executions).toBeLessThanOrEqual(2);
  }, 60_000);

  it('sends a result again whose reply was lost with the connection', async () => {
    const firstReply = deferred();
    taker.reply = async () => {
      if (taker.requests === 1) await firstReply.promise;
      return { applied: true };
    };
    await shop.start({ execute: double });
    const { taskId } = await shop.publish();
    await eventually(() => taker.requests === 1);
    await nats.kill();
    try {
      await eventually(() => shop.errors.some((error) => (error as { code?: unknown }).code === 'bus_unavailable'));
    } finally {
      await nats.restart();
    }
    const [result] = await results(1);
    expect(result).toMatchObject({ taskId, outcome: { status: 'completed' } });
    expect(taker.requests).toBeGreaterThanOrEqual(2);
    firstReply.resolve();
  }, 60_000);

  it('hears of cancelled runs', async () => {
    const worker = await shop.start({
      execute: (_input, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    });
    const { runId } = await shop.publish();
    await eventually(() => worker.activeTasks === 1);
    await shop.cancelRun(runId);
    await eventually(() => worker.activeTasks === 0);
    expect(taker.requests).toBe(0);
  }, 60_000);

  it('streams live text in order', async () => {
    const runId = newId('run');
    const words = Array.from({ length: 100 }, (_, index) => `w${index} `);
    await shop.start({
      execute: async (input, task) => {
        for (const word of words) {
          task.emitToken(word);
          await new Promise((resolve) => setImmediate(resolve));
        }
        return double(input);
      },
    });
    await shop.publish({ runId, stream: true });
    let text = '';
    const end = new AbortController();
    for await (const { envelope } of bus.follow(liveTokensSubject(runId), { afterSequence: 0, signal: end.signal })) {
      text += (envelope.data as LiveToken).text;
      if (text.length >= words.join('').length) end.abort();
    }
    expect(text).toBe(words.join(''));
  }, 60_000);

  it('takes inputs far larger than a message of NATS', async () => {
    await shop.start({ execute: ({ unit }) => Promise.resolve({ output: { doubled: unit.length } }) });
    await shop.publish({ input: { number: 1, unit: 'y'.repeat(2_000_000) } });
    const [result] = await results(1);
    expect(result?.outcome).toEqual({ status: 'completed', output: { doubled: 2_000_000 } });
  }, 60_000);
});
