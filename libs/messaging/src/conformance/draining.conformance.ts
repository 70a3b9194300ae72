import { describe, expect, it } from '@jest/globals';
import { deferred, eventually } from '@millrace/testing';
import { ack, codeOf, consumer, firstOf, message, numbers, Seen, token, type OpenWorld } from './bus-world.js';

export function drainingConformance(open: OpenWorld): void {
  describe('drain', () => {
    it('waits for deliveries and requests in hand, which may still publish, then refuses everything', async () => {
      await using world = await open();
      const bus = await world.connect();
      const [subject, command] = [`task.${token()}.v1`, `cmd.${token()}.v1`];
      const gate = deferred();
      const seen = new Seen();
      await bus.consume({ ...consumer(subject), slots: 1 }, async (delivery) => {
        seen.deliveries.push(delivery);
        await gate.promise;
        await bus.publish(message(`evt.acme.${token()}.v1`, 'last words'));
        return ack;
      });
      await bus.respond(command, { queue: 'q', maxInFlight: 1 }, () => gate.promise.then(() => 'answered'));
      await bus.publish(message(subject, 1));
      await bus.publish(message(subject, 2));
      await seen.count(1);
      const request = bus.request(message(command, 1));
      expect(await bus.health()).toEqual({ ready: true, problems: [] });
      const draining = bus.drain({ graceMs: 20_000 });
      expect((await bus.health()).ready).toBe(false);
      setTimeout(() => gate.resolve(), 50);
      expect(await request).toBe('answered');
      await draining;
      expect(seen.data).toEqual([1]);
      expect(await codeOf(bus.publish(message(subject, 3)))).toBe('bus_closed');
      expect(await codeOf(bus.request(message(command, 3)))).toBe('bus_closed');
      expect(await codeOf(bus.consume(consumer(subject), seen.acked))).toBe('bus_closed');
      expect(await codeOf(firstOf(bus, subject, 1))).toBe('bus_closed');
      await bus.drain({ graceMs: 0 });
    });

    it('takes the rest away from its handlers after the grace period', async () => {
      await using world = await open();
      const bus = await world.connect();
      const [subject, command] = [`task.${token()}.v1`, `cmd.${token()}.v1`];
      const gate = deferred();
      const seen = new Seen();
      await bus.consume(consumer(subject), async (delivery) => {
        seen.deliveries.push(delivery);
        await gate.promise;
        return ack;
      });
      await bus.respond(command, { queue: 'q', maxInFlight: 1 }, () => gate.promise);
      for (const number of numbers(3)) await bus.publish(message(subject, number));
      await seen.count(3);
      const request = codeOf(bus.request(message(command, 1)));
      await bus.drain({ graceMs: 50 });
      expect(await request).toBe('service_stopping');
      await eventually(() => seen.deliveries.every((delivery) => delivery.signal.aborted));
      expect(seen.deliveries[0]?.signal.reason).toMatchObject({ code: 'service_stopping' });
      gate.resolve();
    });

    it('ends followers', async () => {
      await using world = await open();
      const bus = await world.connect();
      const reading = firstOf(bus, `live.${token()}.tokens`, 1);
      await bus.drain({ graceMs: 1_000 });
      expect(await reading).toEqual([]);
    });

    it('waits for no follower whose reader has left', async () => {
      await using world = await open();
      const bus = await world.connect();
      const subject = `live.${token()}.tokens`;
      for (const number of numbers(2)) await bus.publish(message(subject, number));
      expect(await firstOf(bus, subject, 1)).toHaveLength(1);
      await bus.drain({ graceMs: 90_000 });
    });
  });
}
