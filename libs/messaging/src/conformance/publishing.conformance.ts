import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@millrace/testing';
import type { Headers, MessageBus } from '../bus.js';
import { maximumMessageBytes } from '../wire/envelope.js';
import {
  codeOf,
  consumer,
  firstOf,
  message,
  numbers,
  publishNumbers,
  Seen,
  token,
  type BusWorld,
  type OpenWorld,
} from './bus-world.js';

export function publishingConformance(open: OpenWorld): void {
  describe('publish', () => {
    let world: BusWorld;
    let bus: MessageBus;
    beforeAll(async () => {
      world = await open();
      bus = await world.connect();
    });
    afterAll(() => world.close());

    it('resolves with a position that grows', async () => {
      const subject = `evt.acme.${token()}.v1`;
      const first = await bus.publish(message(subject, 1));
      const second = await bus.publish(message(subject, 2));
      expect(first).toEqual({ sequence: expect.any(Number), duplicate: false });
      expect(second.sequence).toBeGreaterThan(first.sequence);
    });

    it('stores the same id once, however often and concurrently it is sent', async () => {
      const subject = `evt.acme.${token()}.v1`;
      const receipts = await Promise.all(numbers(50).map(() => bus.publish(message(subject, 'once', `id-${subject}`))));
      expect(receipts.filter((receipt) => !receipt.duplicate)).toHaveLength(1);
      expect(new Set(receipts.map((receipt) => receipt.sequence)).size).toBe(1);
      await bus.publish(message(subject, 'last'));
      const stored = await firstOf(bus, subject, 2);
      expect(stored.map((each) => each.envelope.data)).toEqual(['once', 'last']);
    });

    it('keeps the order of publishes that do not wait for each other', async () => {
      const subject = `evt.acme.${token()}.v1`;
      await publishNumbers(bus, subject, 300);
      expect((await firstOf(bus, subject, 300)).map((each) => each.envelope.data)).toEqual(numbers(300));
    });

    it('shares no object with the reader, and keeps every field', async () => {
      const subject = `evt.acme.${token()}.v1`;
      const data = { text: 'ünïcode \u0000 \u{1f600}', list: [1, null, 'text', { deep: true }] };
      const sent = { ...message(subject, data), headers: { traceparent: '00-abc', 'x-note': 'grüße' } };
      const copy = structuredClone(sent);
      const publishing = bus.publish(sent);
      data.list.push('changed after publish');
      await publishing;
      const [read] = await firstOf(bus, subject, 1);
      expect(read).toMatchObject({ subject, envelope: copy.envelope, headers: copy.headers });
    });

    it.each(['cmd.a.b.v1', 'live.run.events', 'nothing', 'evt'])(
      'refuses %s, which no stream stores',
      async (subject) => {
        expect(await codeOf(bus.publish(message(subject, 1)))).toBe('not_a_stored_subject');
      },
    );

    it('refuses what is not a subject', async () => {
      const long = `evt.${'x'.repeat(2000)}`;
      for (const subject of ['', 'evt..x', 'evt.*.x', 'evt.>', 'evt.a b', '.evt', 'evt.', long, 'evt.a\r\nPUB x']) {
        expect([subject, await codeOf(bus.publish(message(subject, 1)))]).toEqual([subject, 'invalid_subject']);
      }
    });

    it('refuses headers that are reserved, malformed or too large', async () => {
      const refused: Headers[] = [
        { 'Nats-Msg-Id': 'mine' },
        { 'millrace-claim-check': 'x' },
        { 'a b': 'x' },
        { '': 'x' },
        { note: 'line\r\nNats-Rollup: all' },
        { note: 'x'.repeat(20_000) },
      ];
      const subject = `evt.acme.${token()}.v1`;
      for (const headers of refused) {
        expect([headers, await codeOf(bus.publish({ ...message(subject, 1), headers }))]).toEqual([
          headers,
          'invalid_headers',
        ]);
      }
    });

    it('refuses what is not an envelope or not JSON', async () => {
      const { subject, envelope } = message(`evt.acme.${token()}.v1`, 1);
      const circular: Record<string, unknown> = {};
      circular.self = circular;
      expect(await codeOf(bus.publish({ subject, envelope: { ...envelope, tenantId: 'NOT A TENANT' } }))).toBe(
        'invalid_message',
      );
      expect(await codeOf(bus.publish({ subject, envelope: { ...envelope, data: circular } }))).toBe('invalid_message');
      expect(await codeOf(bus.publish({ subject, envelope: { ...envelope, data: 1n } }))).toBe('invalid_message');
    });

    it('refuses a message beyond the hard cap', async () => {
      const subject = `evt.acme.${token()}.v1`;
      expect(await codeOf(bus.publish(message(subject, 'x'.repeat(maximumMessageBytes))))).toBe('payload_too_large');
    });

    it('answers overloaded when the stream is full, loses nothing, and goes on when there is room', async () => {
      await using small = await open({ limits: { TASKS: { maxMessages: 5 } } });
      const narrow = await small.connect();
      const subject = `task.${token()}.v1`;
      await publishNumbers(narrow, subject, 5);
      const refused = narrow.publish(message(subject, 'too much'));
      await expect(refused).rejects.toMatchObject({ kind: 'overloaded', code: 'stream_full', retryable: true });
      const seen = new Seen();
      await narrow.consume(consumer(subject), seen.acked);
      await seen.count(5);
      expect(seen.data.sort()).toEqual(numbers(5));
      await eventually(() => narrow.publish(message(subject, 'room again')));
      await seen.count(6);
    });
  });

  describe('notify and subscribe', () => {
    it('reaches everybody who listens now, stored messages included, in order', async () => {
      await using world = await open();
      const [one, other] = [await world.connect(), await world.connect()];
      const run = token();
      const seen: [string, unknown][] = [];
      const see = (who: string) => (each: { envelope: { data: unknown } }) => void seen.push([who, each.envelope.data]);
      await one.subscribe(`live.${run}.events`, see('a'));
      await other.subscribe(`live.*.events`, see('b'));
      const stored = await other.subscribe(`evt.acme.${run}.>`, see('c'));
      for (const number of numbers(20)) one.notify(message(`live.${run}.events`, number));
      await one.publish(message(`evt.acme.${run}.v1`, 'stored'));
      await eventually(() => seen.length === 41);
      for (const who of ['a', 'b']) {
        expect(seen.filter(([by]) => by === who).map(([, data]) => data)).toEqual(numbers(20));
      }
      await stored.stop();
      await one.publish(message(`evt.acme.${run}.v1`, 'unseen'));
      one.notify(message(`live.${run}.events`, 'end'));
      await eventually(() => seen.length === 43);
      expect(seen.filter(([by]) => by === 'c')).toEqual([['c', 'stored']]);
    });

    it('goes on after a subscriber threw and after bytes that nobody can read', async () => {
      await using world = await open();
      const bus = await world.connect();
      const subject = `evt.acme.${token()}.v1`;
      const seen: unknown[] = [];
      await bus.subscribe(subject, ({ envelope }) => {
        seen.push(envelope.data);
        if (envelope.data === 0) throw new Error('subscriber');
      });
      await bus.publish(message(subject, 0));
      await world.storeRaw(subject, Buffer.from('not an envelope'));
      await bus.publish(message(subject, 1));
      await eventually(() => seen.length === 2);
      expect(world.problems.map((problem) => problem.code)).toEqual(['handler_failed', 'message_skipped']);
    });

    it('never fails the caller', async () => {
      await using world = await open();
      const bus = await world.connect();
      bus.notify(message('live.x.events', 1n));
      bus.notify(message('live.>', 1));
      await eventually(() => world.problems.length === 2);
    });
  });
}
