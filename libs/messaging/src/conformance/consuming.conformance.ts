import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import { deferred, eventually } from '@millrace/testing';
import type { Delivery, DeliveryOutcome, MessageBus } from '../bus.js';
import {
  ack,
  codeOf,
  consumer,
  message,
  numbers,
  publishNumbers,
  Seen,
  token,
  type BusWorld,
  type OpenWorld,
} from './bus-world.js';

export function consumingConformance(open: OpenWorld): void {
  describe('consume', () => {
    let world: BusWorld;
    let bus: MessageBus;
    let replica: MessageBus;
    beforeAll(async () => {
      world = await open();
      bus = await world.connect();
      replica = await world.connect();
    });
    afterAll(() => world.close());

    it('delivers what was stored before and after it began, with sequence, count and headers', async () => {
      const subject = `task.${token()}.v1`;
      const { sequence } = await bus.publish({ ...message(subject, 'before'), headers: { traceparent: 'abc' } });
      const seen = new Seen();
      await bus.consume(consumer(subject), seen.acked);
      await bus.publish(message(subject, 'after'));
      await seen.count(2);
      expect(seen.data).toEqual(['before', 'after']);
      expect(seen.deliveries[0]).toMatchObject({
        subject,
        sequence,
        deliveryCount: 1,
        headers: { traceparent: 'abc' },
      });
    });

    it('executes each message once over two replicas, and holds no more than the slots', async () => {
      const subject = `task.${token()}.v1`;
      const executions: unknown[] = [];
      const held = [0, 0];
      const most = [0, 0];
      const worker =
        (index: 0 | 1) =>
        async (delivery: Delivery): Promise<DeliveryOutcome> => {
          held[index]! += 1;
          most[index] = Math.max(most[index]!, held[index]!);
          await new Promise((resolve) => setTimeout(resolve, 20));
          executions.push(delivery.envelope.data);
          held[index]! -= 1;
          return ack;
        };
      const options = { ...consumer(subject), slots: 2, ackWaitMs: 400 };
      await bus.consume(options, worker(0));
      await replica.consume(options, worker(1));
      await publishNumbers(bus, subject, 60);
      await eventually(() => executions.length >= 60);
      expect(executions.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(60));
      expect(most).toEqual([2, 2]);
    });

    it('does not take what it has no slot for: a busy replica leaves it to the idle one', async () => {
      const subject = `task.${token()}.v1`;
      const gate = deferred();
      const busy = new Seen();
      const options = { ...consumer(subject), slots: 1 };
      await bus.consume(options, async (delivery) => {
        busy.deliveries.push(delivery);
        await gate.promise;
        return ack;
      });
      await bus.publish(message(subject, 0));
      await busy.count(1);
      const idle = new Seen();
      await replica.consume(options, idle.acked);
      await publishNumbers(bus, subject, 9, 1);
      await idle.count(9);
      expect(busy.data).toEqual([0]);
      gate.resolve();
    });

    it('takes others for those whose work is done, at most three for each slot, until they are settled', async () => {
      const subject = `task.${token()}.v1`;
      const gate = deferred();
      const busy = new Seen();
      const options = { ...consumer(subject), slots: 2, ackWaitMs: 60_000 };
      await bus.consume(options, async (delivery) => {
        busy.deliveries.push(delivery);
        delivery.workDone();
        delivery.workDone();
        await gate.promise;
        return ack;
      });
      await publishNumbers(bus, subject, 12);
      await busy.count(8);
      const idle = new Seen();
      await replica.consume(options, idle.acked);
      await idle.count(4);
      expect([...busy.data, ...idle.data].toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(12));
      gate.resolve();
      await publishNumbers(bus, subject, 4, 12);
      await eventually(() => busy.data.length + idle.data.length === 16);
    });

    it('starts messages of one subject in their order', async () => {
      const subject = `evt.acme.${token()}.v1`;
      const seen = new Seen();
      await bus.consume({ ...consumer(subject), slots: 8 }, seen.acked);
      await publishNumbers(bus, subject, 200);
      await seen.count(200);
      expect(seen.data).toEqual(numbers(200));
    });

    it('gives each durable name of an event stream every message, wildcards included', async () => {
      const entity = token();
      const [one, other] = [new Seen(), new Seen()];
      await bus.consume(consumer(`evt.*.${entity}.>`, `one-${entity}`), one.acked);
      await bus.consume(consumer(`evt.acme.${entity}.done.v1`, `other-${entity}`), other.acked);
      await bus.publish(message(`evt.acme.${entity}.done.v1`, 1));
      await bus.publish(message(`evt.globex.${entity}.done.v1`, 2));
      await bus.publish(message(`evt.acme.${entity}.begun.v1`, 3));
      await bus.publish(message(`evt.acme.${entity}.done.v1`, 4));
      await one.count(4);
      await other.count(2);
      expect(one.data).toEqual([1, 2, 3, 4]);
      expect(other.data).toEqual([1, 4]);
    });

    it('refuses a second consumer of a work queue, and options that make no sense', async () => {
      const subject = `task.${token()}.v1`;
      await bus.consume(consumer(subject), () => Promise.resolve(ack));
      expect(await codeOf(bus.consume(consumer(subject, `again-${token()}`), () => Promise.resolve(ack)))).toBe(
        'consumer_conflict',
      );
      const wrong = [{ slots: 0 }, { slots: 1.5 }, { ackWaitMs: 0 }, { maxDeliveries: 0 }, { durableName: 'a.b' }];
      for (const part of wrong) {
        const options = { ...consumer(`task.${token()}.v1`), ...part };
        expect(await codeOf(bus.consume(options, () => Promise.resolve(ack)))).toBe('invalid_consumer');
      }
      expect(await codeOf(bus.consume(consumer('cmd.x.v1'), () => Promise.resolve(ack)))).toBe('not_a_stored_subject');
    });

    it('stops: takes nothing new, waits for what is being handled', async () => {
      const subject = `task.${token()}.v1`;
      const gate = deferred();
      const seen = new Seen();
      const subscription = await bus.consume({ ...consumer(subject), slots: 1 }, async (delivery) => {
        seen.deliveries.push(delivery);
        await gate.promise;
        return ack;
      });
      await publishNumbers(bus, subject, 2);
      await seen.count(1);
      let stopped = false;
      const stopping = subscription.stop().then(() => (stopped = true));
      const next = new Seen();
      await replica.consume({ ...consumer(subject), slots: 1 }, next.acked);
      await next.count(1);
      expect(stopped).toBe(false);
      gate.resolve();
      await stopping;
      expect([seen.data, next.data]).toEqual([[0], [1]]);
    });
  });

  describe('redelivery', () => {
    let world: BusWorld;
    let bus: MessageBus;
    let replica: MessageBus;
    beforeAll(async () => {
      world = await open();
      bus = await world.connect();
      replica = await world.connect();
    });
    afterAll(() => world.close());

    it('follows when the handler throws, and counts', async () => {
      const subject = `task.${token()}.v1`;
      const seen = new Seen();
      await bus.consume(consumer(subject), (delivery) => {
        seen.deliveries.push(delivery);
        if (delivery.deliveryCount === 1)
          throw new MillraceError('unavailable', 'later', 'Later.', { retryAfterSeconds: 0.1 });
        return Promise.resolve(ack);
      });
      await bus.publish(message(subject, 'again'));
      await seen.count(2);
      expect(seen.deliveries.map((delivery) => delivery.deliveryCount)).toEqual([1, 2]);
    });

    it('waits for the delay that the handler asked for, and never burns the deliveries at once', async () => {
      const subject = `task.${token()}.v1`;
      const times: number[] = [];
      await bus.consume(consumer(subject), () => {
        times.push(performance.now());
        return Promise.resolve(times.length < 3 ? { kind: 'retry', delayMs: times.length === 1 ? 0 : 400 } : ack);
      });
      await bus.publish(message(subject, 'again'));
      await eventually(() => times.length === 3);
      // Lower bounds of what was asked for, with room for the clocks' granularity; no upper ones.
      expect(times[1]! - times[0]!).toBeGreaterThan(80);
      expect(times[2]! - times[1]!).toBeGreaterThan(350);
    });

    it('follows silence: a handler that hangs loses the message, is told, and cannot delete it later', async () => {
      const subject = `task.${token()}.v1`;
      const options = { ...consumer(subject), ackWaitMs: 300, slots: 1 };
      const late = deferred();
      const first = new Seen();
      const hanging = await bus.consume(options, async (delivery) => {
        first.deliveries.push(delivery);
        await late.promise;
        return ack;
      });
      await bus.publish(message(subject, 'contested'));
      await first.count(1);
      void hanging.stop();
      const [lost] = first.deliveries;
      const second = new Seen();
      const secondGate = deferred<DeliveryOutcome>();
      const holder = await replica.consume({ ...options, ackWaitMs: 300, slots: 4 }, (delivery) => {
        second.deliveries.push(delivery);
        return secondGate.promise;
      });
      await eventually(() => lost!.signal.aborted);
      expect(lost!.signal.reason).toMatchObject({ code: 'delivery_lost' });
      await eventually(() => first.deliveries.length + second.deliveries.length >= 2);
      late.resolve();
      await eventually(() => second.deliveries.length >= 1);
      secondGate.resolve({ kind: 'retry', delayMs: 100 });
      await eventually(() => first.deliveries.length + second.deliveries.length >= 3, {
        describe: 'the message is still there after the late ack',
      });
      await holder.stop();
    });

    it('does not follow while the handler says that it works', async () => {
      const subject = `task.${token()}.v1`;
      const seen = new Seen();
      let finished = 0;
      await bus.consume({ ...consumer(subject), ackWaitMs: 400 }, async (delivery) => {
        seen.deliveries.push(delivery);
        for (const _ of numbers(12)) {
          delivery.heartbeat();
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        finished += 1;
        return ack;
      });
      await publishNumbers(bus, subject, 2);
      await eventually(() => finished === 2);
      expect(seen.deliveries.map((delivery) => [delivery.deliveryCount, delivery.signal.aborted])).toEqual([
        [1, false],
        [1, false],
      ]);
    });
  });
}
