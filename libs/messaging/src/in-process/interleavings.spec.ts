/** Whatever happens in whatever order, each message is acknowledged once or buried once, and never lost. */
import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import { eventually } from '@millrace/testing';
import fc from 'fast-check';
import type { DeliveryOutcome, Subscription } from '../bus.js';
import { firstOf, message } from '../conformance/bus-world.js';
import { createInProcessBus } from './create-in-process-bus.js';

const refused = new MillraceError('invalid', 'refused', 'No.').toShape();

/** What a handler does with the first, second, … delivery of a message; beyond the list it acks. */
const script = fc.array(fc.constantFrom('ack', 'retry', 'throw', 'bury', 'hang'), { maxLength: 3 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('publish' as const), script }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('again' as const), of: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('join' as const), slots: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
);

const maxDeliveries = 3;

/** What must become of a message whose handler follows the script. */
function expectedEnd(acts: readonly string[]): 'acked' | 'buried' {
  for (let delivery = 0; delivery < maxDeliveries; delivery += 1) {
    const act = acts[delivery] ?? 'ack';
    if (act === 'ack') return 'acked';
    if (act === 'bury') return 'buried';
  }
  return 'buried';
}

function outcomeOf(act: string): Promise<DeliveryOutcome> {
  switch (act) {
    case 'retry':
      return Promise.resolve({ kind: 'retry', delayMs: 0 });
    case 'throw':
      throw new MillraceError('unavailable', 'later', 'Later.', { retryAfterSeconds: 0.001 });
    case 'bury':
      return Promise.resolve({ kind: 'dead-letter', error: refused });
    case 'hang':
      return new Promise(() => undefined);
    default:
      return Promise.resolve({ kind: 'ack' });
  }
}

describe('the in-process bus under random interleavings', () => {
  it('ends every message as its handler decided, exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const bus = createInProcessBus();
        const scripts: string[][] = [];
        const acked: number[] = [];
        const replicas: Subscription[] = [];
        const join = async (slots: number): Promise<void> => {
          const options = { durableName: 'worker', subject: 'task.x.v1', slots, ackWaitMs: 100, maxDeliveries };
          const replica = await bus.consume(options, ({ envelope, deliveryCount }) => {
            const number = envelope.data as number;
            const act = scripts[number]?.[deliveryCount - 1] ?? 'ack';
            if (act === 'ack') acked.push(number);
            return outcomeOf(act);
          });
          replicas.push(replica);
        };
        for (const each of steps) {
          if (each.kind === 'publish') {
            scripts.push(each.script);
            await bus.publish(message('task.x.v1', scripts.length - 1, `id-${scripts.length - 1}`));
          } else if (each.kind === 'again' && each.of < scripts.length) {
            const receipt = await bus.publish(message('task.x.v1', each.of, `id-${each.of}`));
            expect(receipt).toEqual({ sequence: each.of + 1, duplicate: true });
          } else if (each.kind === 'join') await join(each.slots);
          else if (each.kind === 'leave') void replicas.shift()?.stop();
          else if (each.kind === 'turn') await new Promise((resolve) => setImmediate(resolve));
        }
        await join(3);
        const ends = scripts.map(expectedEnd);
        const toAck = ends.flatMap((end, number) => (end === 'acked' ? [number] : []));
        const toBury = ends.flatMap((end, number) => (end === 'buried' ? [number] : []));
        await eventually(() => acked.length >= toAck.length, { intervalMs: 5 });
        const letters = toBury.length === 0 ? [] : await firstOf(bus, 'dlq.task.x.v1', toBury.length);
        expect(acked.toSorted((a, b) => a - b)).toEqual(toAck);
        expect(letters.map((letter) => letter.envelope.data as number).toSorted((a, b) => a - b)).toEqual(toBury);
        await bus.drain({ graceMs: 0 });
      }),
      { numRuns: 40 },
    );
  });
});
