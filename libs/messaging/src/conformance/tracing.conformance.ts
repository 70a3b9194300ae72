import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { messagingAttributes, millraceAttributes, startTracing, type Tracing } from '@millrace/telemetry';
import { eventually, startTraceReceiver, type ReceivedSpan, type TraceReceiver } from '@millrace/testing';
import type { DeliveryOutcome } from '../bus.js';
import { ack, consumer, deadLetters, message, token, type BusWorld, type OpenWorld } from './bus-world.js';

const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const longAgo = (): string => new Date(Date.now() - 6 * 60_000).toISOString();

/** What the spans of messages say, whichever bus carries them. */
export function tracingConformance(openWorld: OpenWorld): void {
  let receiver: TraceReceiver;
  let tracing: Tracing;
  let world: BusWorld;
  beforeEach(async () => {
    receiver = await startTraceReceiver();
    tracing = await startTracing({ service: 'spec', environment: receiver.environment, onProblem: () => undefined });
    world = await openWorld();
  });
  afterEach(async () => {
    await world.close();
    await tracing.shutdown({ timeoutMs: 2_000 });
    await receiver.close();
  });

  const spansNamed = (name: string, count: number): Promise<ReceivedSpan[]> =>
    eventually(
      () => {
        const found = receiver.spans.filter((span) => span.name === name);
        return found.length >= count && found;
      },
      { describe: `${count} spans ${name} are sent` },
    );

  it('makes the processing of a message the child of its publishing', async () => {
    const bus = await world.connect();
    const subject = `task.${token()}.v1`;
    await bus.consume(consumer(subject), () => Promise.resolve(ack));
    await bus.publish({ ...message(subject, { runId: 'run_1', node: 'a', attempt: 2 }), headers: { traceparent } });
    const [process] = await spansNamed(`process ${subject}`, 1);
    const [publish] = await spansNamed(`publish ${subject}`, 1);
    expect(publish).toMatchObject({ kind: 'PRODUCER', traceId: 'a'.repeat(32), parentSpanId: 'b'.repeat(16) });
    expect(process).toMatchObject({ kind: 'CONSUMER', traceId: publish?.traceId, parentSpanId: publish?.spanId });
    expect(process?.attributes).toMatchObject({
      [messagingAttributes.destination]: subject,
      [millraceAttributes.runId]: 'run_1',
      [millraceAttributes.node]: 'a',
      [millraceAttributes.attempt]: 2,
      [millraceAttributes.deliveryCount]: 1,
      [millraceAttributes.deliveryOutcome]: 'ack',
    });
  });

  it('makes a redelivery a sibling that is linked to the first attempt', async () => {
    const bus = await world.connect();
    const subject = `task.${token()}.v1`;
    await bus.consume(consumer(subject), ({ deliveryCount }): Promise<DeliveryOutcome> =>
      Promise.resolve(deliveryCount < 3 ? { kind: 'retry', delayMs: 100 } : ack),
    );
    await bus.publish({ ...message(subject, 1), headers: { traceparent } });
    const [publish] = await spansNamed(`publish ${subject}`, 1);
    const attempts = await spansNamed(`process ${subject}`, 3);
    const [first, ...again] = attempts.sort((left, right) => deliveryCountOf(left) - deliveryCountOf(right));
    expect(attempts.map(({ parentSpanId }) => parentSpanId)).toEqual(Array(3).fill(publish?.spanId));
    expect(first).toMatchObject({ links: [], failed: true });
    for (const attempt of again) {
      expect(attempt.links).toMatchObject([
        { traceId: first?.traceId, spanId: first?.spanId, attributes: { 'millrace.link.reason': 'first-delivery' } },
      ]);
    }
  });

  it('begins a trace, with a link, for what has waited for more than five minutes', async () => {
    const bus = await world.connect();
    const subject = `task.${token()}.v1`;
    await bus.consume(consumer(subject), () => Promise.resolve(ack));
    const { envelope, ...rest } = message(subject, 1);
    await bus.publish({ ...rest, envelope: { ...envelope, occurredAt: longAgo() }, headers: { traceparent } });
    const [publish] = await spansNamed(`publish ${subject}`, 1);
    const [late] = await spansNamed(`process ${subject}`, 1);
    expect(late?.parentSpanId).toBeUndefined();
    expect(late?.traceId).not.toBe(publish?.traceId);
    expect(late?.links).toMatchObject([
      { spanId: publish?.spanId, attributes: { 'millrace.link.reason': 'long-wait' } },
    ]);
  });

  it('shows a message that nobody can read, and its dead letter', async () => {
    const bus = await world.connect();
    const subject = `task.${token()}.v1`;
    await bus.consume(consumer(subject), () => Promise.resolve(ack));
    await world.storeRaw(subject, Buffer.from('CANARY{'), { traceparent });
    await deadLetters(bus, subject, 1);
    const [process] = await spansNamed(`process ${subject}`, 1);
    const [letter] = await spansNamed(`publish dlq.${subject}`, 1);
    expect(process).toMatchObject({ traceId: 'a'.repeat(32), parentSpanId: 'b'.repeat(16), failed: true });
    expect(process?.attributes).toMatchObject({
      'error.type': 'invalid_message',
      [millraceAttributes.deliveryOutcome]: 'dead-letter',
    });
    expect(letter?.parentSpanId).toBe(process?.spanId);
    expect(receiver.text).not.toContain('CANARY');
  });

  it('makes an answer the child of its request, and tells why it was refused', async () => {
    const bus = await world.connect();
    const subject = `cmd.spec.${token()}.v1`;
    await bus.respond(subject, { queue: 'spec', maxInFlight: 1 }, () => Promise.reject(new TypeError('CANARY')));
    await expect(bus.request({ ...message(subject, 1), headers: { traceparent } })).rejects.toThrow();
    const [request] = await spansNamed(`request ${subject}`, 1);
    const [process] = await spansNamed(`process ${subject}`, 1);
    expect(request).toMatchObject({ kind: 'CLIENT', failed: true, attributes: { 'error.type': 'internal_error' } });
    expect(process).toMatchObject({ kind: 'SERVER', parentSpanId: request?.spanId, failed: true });
    expect(receiver.text).not.toContain('CANARY');
  });
}

const deliveryCountOf = ({ attributes }: ReceivedSpan): number => Number(attributes[millraceAttributes.deliveryCount]);
