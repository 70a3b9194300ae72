import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LiveToken } from '@millrace/contracts';
import { envelopeOf, liveTokensSubject, taskResult } from '@millrace/contracts';
import { MillraceError, newId } from '@millrace/kernel';
import { createInProcessBus, type IncomingMessage, type MessageBus } from '@millrace/messaging';
import { deferred, eventually } from '@millrace/testing';
import { startWorker, type Task } from './index.js';
import { contractFor, ResultTaker, Workshop } from './testing/workshop.js';

let bus: MessageBus;
let taker: ResultTaker;
let shop: Workshop;
let deadLetters: IncomingMessage[];

const double = ({ number }: { number: number }) => Promise.resolve({ output: { doubled: number * 2 } });
const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

async function openShop(options: { ackWaitMs?: number; maxDeliveries?: number } = {}): Promise<void> {
  bus = createInProcessBus();
  taker = await ResultTaker.start(bus);
  shop = new Workshop(bus, contractFor('double', options));
  deadLetters = [];
  await bus.subscribe('dlq.>', (message) => void deadLetters.push(message));
}

beforeEach(() => openShop());
afterEach(async () => {
  await shop.close();
  await bus.drain({ graceMs: 0 });
});

const results = (count: number) =>
  eventually(() => taker.results.length >= count && taker.results, { describe: `${count} results arrived` });

describe('a task', () => {
  it('is worked on with its input, defaults applied, and answered with its output', async () => {
    let seen: unknown;
    await shop.start({
      execute: (input, task) => {
        seen = { input, task: { ...task, signal: task.signal.aborted } };
        return Promise.resolve({
          output: { doubled: 42 },
          usage: { promptTokens: 1, completionTokens: 2, costUsd: 0 },
        });
      },
    });
    const { taskId, runId, node, attempt } = await shop.publish();
    expect(await results(1)).toEqual([
      {
        ...{ taskId, runId, node, attempt },
        outcome: {
          status: 'completed',
          output: { doubled: 42 },
          usage: { promptTokens: 1, completionTokens: 2, costUsd: 0 },
        },
      },
    ]);
    expect(seen).toMatchObject({
      input: { number: 21, unit: 'm' },
      task: {
        ...{ taskId, runId, node, attempt },
        tenantId: 'acme',
        correlationId: 'req_1',
        deliveryCount: 1,
        signal: false,
      },
    });
  });

  it('sends its result as an effect of the task, in the same trace', async () => {
    const requests: IncomingMessage[] = [];
    await bus.respond('result.7.v1', { queue: 'orchestrator', maxInFlight: 1 }, (message) => {
      requests.push(message);
      return Promise.resolve({ applied: false, reason: 'stale' });
    });
    const worker = await shop.start({ execute: double });
    const { taskId } = await shop.publish({ replyTo: 'result.7.v1' });
    await eventually(() => requests.length === 1 && worker.activeTasks === 0);
    expect(requests[0]?.envelope).toMatchObject({ tenantId: 'acme', correlationId: 'req_1', causationId: taskId });
    expect(taskResult.request.safeParse(requests[0]?.envelope.data).success).toBe(true);
    expect(requests[0]?.headers['traceparent']).toBe('00-1-2-01');
  });

  it.each([
    [
      'a MillraceError fails it with its code',
      new MillraceError('not-found', 'no_such_page', 'Gone.'),
      'no_such_page',
      false,
    ],
    [
      'a retryable one says so',
      new MillraceError('overloaded', 'slow_down', 'Wait.', { retryAfterSeconds: 3 }),
      'slow_down',
      true,
    ],
    ['anything else is an internal error worth another try', new TypeError('secret detail'), 'internal_error', true],
    ['even what is no error', 'thrown text', 'internal_error', true],
  ])('that throws is answered: %s', async (_title, thrown, code, retryable) => {
    await shop.start({
      execute: () => {
        throw thrown as Error;
      },
    });
    await shop.publish();
    const [result] = await results(1);
    expect(result?.outcome).toMatchObject({ status: 'failed', error: { code, retryable } });
    expect(JSON.stringify(result)).not.toMatch(/secret detail|thrown text/);
  });

  it('with an input that its contract refuses fails for good, with a pointer to each mistake', async () => {
    await shop.start({ execute: double });
    await shop.publish({ input: { number: 'many', 'x/y': 1 } });
    const [result] = await results(1);
    expect(result?.outcome).toMatchObject({
      status: 'failed',
      error: { code: 'invalid_input', retryable: false, violations: [{ pointer: '/number' }, { pointer: '/x~1y' }] },
    });
  });

  it.each([
    ['of the wrong shape', { output: { doubled: 'x' } }],
    ['that is missing', {}],
    ['that is nothing at all', undefined],
    ['with impossible usage', { output: { doubled: 1 }, usage: { promptTokens: -1, completionTokens: 0, costUsd: 0 } }],
    ['that JSON cannot say', { output: { doubled: Number.NaN } }],
  ])('with an output %s fails for good', async (_title, returned) => {
    await shop.start({ execute: () => Promise.resolve(returned as never) });
    await shop.publish();
    const [result] = await results(1);
    expect(result?.outcome).toMatchObject({ status: 'failed', error: { code: 'invalid_output', retryable: false } });
    expect(shop.errors).toHaveLength(1);
  });

  it('that nobody could be answered for goes to the dead letters, and its neighbours go on', async () => {
    await shop.start({ execute: double });
    await shop.publish({ taskId: '' });
    await shop.publish({}, { version: 9 });
    await shop.publish({}, { type: 'task.other' });
    await shop.publish();
    await results(1);
    await eventually(() => deadLetters.length === 3);
  });
});

describe('a result', () => {
  it('is sent until there is a reply, without doing the work again or freeing the slot', async () => {
    let executions = 0;
    taker.reply = () =>
      taker.requests < 4
        ? Promise.reject(taker.requests === 1 ? new Error('boom') : new MillraceError('overloaded', 'busy', 'Busy.'))
        : Promise.resolve({ applied: true });
    const worker = await shop.start({
      slots: 1,
      execute: (input) => {
        executions += 1;
        return double(input);
      },
    });
    await shop.publish();
    await eventually(() => taker.requests === 2);
    expect(worker.activeTasks).toBe(1);
    await results(1);
    await eventually(() => worker.activeTasks === 0);
    expect({ executions, requests: taker.requests }).toEqual({ executions: 1, requests: 4 });
  });

  it('waits for an orchestrator that is not there yet', async () => {
    await shop.start({ execute: double });
    await shop.publish({ replyTo: 'result.5.v1' });
    await eventually(() => shop.errors.length > 1);
    const late = await ResultTaker.start(bus, 'result.5.v1');
    await eventually(() => late.results.length === 1);
  });

  it('that is refused for good becomes a failure that says so, and a dead letter if that is refused too', async () => {
    taker.reply = (result) =>
      result.outcome.status === 'completed'
        ? Promise.reject(new MillraceError('too-large', 'payload_too_large', 'Too large.'))
        : Promise.resolve({ applied: true });
    await shop.start({ execute: double });
    await shop.publish();
    const [result] = await results(1);
    expect(result?.outcome).toMatchObject({ status: 'failed', error: { code: 'result_refused', retryable: false } });
    taker.reply = () => Promise.reject(new MillraceError('invalid', 'invalid_message', 'No.'));
    await shop.publish();
    await eventually(() => deadLetters.length === 1);
  });
});

describe('stopping', () => {
  it('at the deadline fails the attempt as a timeout', async () => {
    await shop.start({ execute: (_input, { signal }) => untilAborted(signal) });
    await shop.publish({ deadlineAt: new Date(Date.now() + 30).toISOString() });
    const [result] = await results(1);
    expect(result?.outcome).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded', kind: 'timeout' } });
  });

  it('happens before the work begins when the deadline has passed', async () => {
    let executions = 0;
    await shop.start({
      execute: (input) => {
        executions += 1;
        return double(input);
      },
    });
    await shop.publish({ deadlineAt: '2020-01-01T00:00:00Z' });
    const [result] = await results(1);
    expect(result?.outcome).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
    expect(executions).toBe(0);
  });

  it('takes the slot from work that ignores its signal', async () => {
    const never = deferred<never>();
    const worker = await shop.start({ slots: 1, execute: () => never.promise });
    await shop.publish({ deadlineAt: new Date(Date.now() + 20).toISOString() });
    await results(1);
    await eventually(() => worker.activeTasks === 0);
    never.reject(new Error('too late to matter'));
  });

  it('lets work finish that succeeds in spite of its deadline', async () => {
    await shop.start({
      execute: async (input, { signal }) => {
        await untilAborted(signal).catch(() => undefined);
        return double(input);
      },
    });
    await shop.publish({ deadlineAt: new Date(Date.now() + 20).toISOString() });
    const [result] = await results(1);
    expect(result?.outcome.status).toBe('completed');
  });

  it('on cancel ends the work of that run only, without a result', async () => {
    const started: Task[] = [];
    const worker = await shop.start({
      slots: 4,
      execute: (_input, task) => {
        started.push(task);
        return untilAborted(task.signal);
      },
    });
    const cancelled = await shop.publish();
    const kept = await shop.publish();
    await eventually(() => started.length === 2);
    await shop.cancelRun(kept.runId, 'other-tenant');
    await shop.cancelRun(cancelled.runId);
    await eventually(() => worker.activeTasks === 1);
    const reasonFor = (runId: string): unknown => started.find((task) => task.runId === runId)?.signal.reason;
    expect(reasonFor(cancelled.runId)).toMatchObject({ code: 'run_cancelled' });
    expect(reasonFor(kept.runId)).toBeUndefined();
    expect(taker.requests).toBe(0);
  });

  it('skips the waiting tasks of a cancelled run', async () => {
    const gate = deferred();
    const executed: string[] = [];
    await shop.start({
      slots: 1,
      execute: async (input, task) => {
        executed.push(task.runId);
        await gate.promise;
        return double(input);
      },
    });
    const first = await shop.publish();
    const second = await shop.publish();
    const third = await shop.publish();
    await eventually(() => executed.length === 1);
    await shop.cancelRun(second.runId);
    gate.resolve();
    await results(2);
    expect(executed).toEqual([first.runId, third.runId]);
  });

  it('on cancel also ends the sending of a result', async () => {
    taker.reply = () => Promise.reject(new MillraceError('unavailable', 'away', 'Away.'));
    const worker = await shop.start({ execute: double });
    const { runId } = await shop.publish();
    await eventually(() => taker.requests > 0);
    await shop.cancelRun(runId);
    await eventually(() => worker.activeTasks === 0);
    expect(deadLetters).toEqual([]);
  });
});

describe('draining', () => {
  it('takes nothing new and lets what is being worked on finish', async () => {
    const gate = deferred();
    const worker = await shop.start({
      slots: 1,
      execute: async (input) => {
        await gate.promise;
        return double(input);
      },
    });
    await shop.publish();
    await eventually(() => worker.activeTasks === 1);
    const drained = worker.drain({ graceMs: 30_000 });
    await shop.publish();
    gate.resolve();
    await drained;
    expect(taker.results).toHaveLength(1);
  });

  it('hands back what is not done in time, and another worker does it', async () => {
    const worker = await shop.start({ execute: (_input, { signal }) => untilAborted(signal) });
    await shop.publish();
    await eventually(() => worker.activeTasks === 1);
    await worker.drain({ graceMs: 20 });
    expect(taker.requests).toBe(0);
    const deliveries: number[] = [];
    await shop.start({
      execute: (input, task) => {
        deliveries.push(task.deliveryCount);
        return double(input);
      },
    });
    await results(1);
    expect(deliveries).toEqual([2]);
  });

  it('hands back a task whose result nobody takes', async () => {
    const worker = await shop.start({ execute: double });
    await shop.publish({ replyTo: 'result.9.v1' });
    await eventually(() => shop.errors.length > 0);
    await worker.drain({ graceMs: 20 });
    const late = await ResultTaker.start(bus, 'result.9.v1');
    await shop.start({ execute: double });
    await eventually(() => late.results.length === 1);
  });
});

describe('delivery', () => {
  it('is kept by heartbeats for as long as the work takes', async () => {
    await shop.close();
    await openShop({ ackWaitMs: 150 });
    let executions = 0;
    const gate = deferred();
    await shop.start({
      execute: async (input) => {
        executions += 1;
        await gate.promise;
        return double(input);
      },
    });
    // A message of the same age whose handler says nothing shows how often the time has run out meanwhile.
    const subject = `task.silent-${newId('kind')}.v1`.toLowerCase();
    let silentDeliveries = 0;
    const silent = { durableName: 'silent', subject, slots: 1, ackWaitMs: 150, maxDeliveries: 100 };
    await bus.consume(silent, () => {
      silentDeliveries += 1;
      return new Promise(() => undefined);
    });
    await shop.publish();
    await eventually(() => executions === 1);
    const context = { tenantId: 'acme', correlationId: 'req_1', causationId: null };
    await bus.publish({ subject, envelope: envelopeOf({ name: 'silent', version: 1 }, context, null) });
    await eventually(() => silentDeliveries >= 4);
    gate.resolve();
    await results(1);
    expect(executions).toBe(1);
  });

  it('as often as it may be ends in a failure that the run sees, and a dead letter', async () => {
    await shop.close();
    await openShop({ maxDeliveries: 2 });
    const first = await shop.start({ execute: (_input, { signal }) => untilAborted(signal) });
    await shop.publish();
    await eventually(() => first.activeTasks === 1);
    await first.drain({ graceMs: 0 });
    let executions = 0;
    await shop.start({
      execute: (input) => {
        executions += 1;
        return double(input);
      },
    });
    const [result] = await results(1);
    expect(result?.outcome).toMatchObject({
      status: 'failed',
      error: { code: 'deliveries_exhausted', retryable: true },
    });
    expect(executions).toBe(0);
    await eventually(() => deadLetters.length === 1);
  });

  it('never exceeds the slots', async () => {
    let active = 0;
    let most = 0;
    await shop.start({
      slots: 3,
      execute: async (input) => {
        most = Math.max(most, ++active);
        await new Promise((resolve) => setImmediate(resolve));
        active -= 1;
        return double(input);
      },
    });
    await Promise.all(Array.from({ length: 50 }, () => shop.publish()));
    await results(50);
    expect(most).toBe(3);
  });

  it.each([0, -1, 1.5, Number.NaN])('with %p slots is refused', async (slots) => {
    const starting = startWorker({ bus, contract: shop.contract, slots, execute: double });
    await expect(starting).rejects.toMatchObject({ code: 'invalid_configuration' });
  });
});

describe('live tokens', () => {
  async function tokensOf(runId: string, count: number): Promise<LiveToken[]> {
    const tokens: LiveToken[] = [];
    const end = new AbortController();
    for await (const message of bus.follow(liveTokensSubject(runId), { afterSequence: 0, signal: end.signal })) {
      tokens.push(message.envelope.data as LiveToken);
      if (tokens.map((token) => token.text).join('').length >= count) end.abort();
    }
    return tokens;
  }

  it('arrive in order, several in one message, and before the result', async () => {
    const words = Array.from({ length: 200 }, (_, index) => `w${index} `);
    let textAtResult = '';
    const runId = newId('run');
    await bus.subscribe(
      liveTokensSubject(runId),
      ({ envelope }) => void (textAtResult += (envelope.data as LiveToken).text),
    );
    await shop.start({
      execute: async (input, task) => {
        for (const [index, word] of words.entries()) {
          task.emitToken(word);
          if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        return double(input);
      },
    });
    await shop.publish({ runId, stream: true, node: 'write[2].draft', attempt: 3 });
    await results(1);
    expect(textAtResult).toBe(words.join(''));
    const tokens = await tokensOf(runId, words.join('').length);
    expect(tokens.map((token) => token.text).join('')).toBe(words.join(''));
    expect(tokens.length).toBeLessThan(words.length);
    expect(tokens[0]).toMatchObject({ node: 'write[2].draft', attempt: 3 });
  });

  it('are not sent when nobody reads along', async () => {
    const seen: unknown[] = [];
    await bus.subscribe('live.*.tokens', (message) => void seen.push(message));
    await shop.start({
      execute: (input, task) => {
        task.emitToken('hello');
        return double(input);
      },
    });
    await shop.publish();
    await results(1);
    expect(seen).toEqual([]);
  });

  it('that the bus does not take hold up neither the work nor its result', async () => {
    const failing: MessageBus = Object.assign(Object.create(bus) as MessageBus, {
      publish: () => Promise.reject(new MillraceError('unavailable', 'bus_away', 'Away.')),
    });
    await shop.start({
      bus: failing,
      execute: (input, task) => {
        for (let index = 0; index < 1_000; index += 1) task.emitToken('x'.repeat(10_000));
        return double(input);
      },
    });
    await shop.publish({ stream: true });
    const [result] = await results(1);
    expect(result?.outcome.status).toBe('completed');
    expect(shop.errors).toHaveLength(1);
  });
});

describe('signals', () => {
  it('keep no listener of tasks that are over', async () => {
    const added: AbortSignal[] = [];
    const original = AbortSignal.prototype.addEventListener;
    const open = new Map<AbortSignal, number>();
    const count = (signal: AbortSignal, change: number): void =>
      void open.set(signal, (open.get(signal) ?? 0) + change);
    const consume: MessageBus['consume'] = (options, handler) =>
      bus.consume(options, (delivery) => {
        const { signal } = delivery;
        added.push(signal);
        const remove = signal.removeEventListener.bind(signal);
        signal.addEventListener = (...parameters: Parameters<typeof original>) => {
          count(signal, 1);
          original.apply(signal, parameters);
        };
        signal.removeEventListener = (...parameters: Parameters<typeof original>) => {
          count(signal, -1);
          remove(...parameters);
        };
        return handler(delivery);
      });
    const spied: MessageBus = Object.assign(Object.create(bus) as MessageBus, { consume });
    const worker = await shop.start({ bus: spied, execute: double });
    for (let index = 0; index < 20; index += 1) await shop.publish();
    await results(20);
    await eventually(() => worker.activeTasks === 0);
    expect(added).toHaveLength(20);
    expect([...open.values()].every((listeners) => listeners === 0)).toBe(true);
  });
});
