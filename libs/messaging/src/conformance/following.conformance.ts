import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LiveMessage, MessageBus } from '../bus.js';
import {
  codeOf,
  firstOf,
  message,
  numbers,
  publishNumbers,
  token,
  type BusWorld,
  type OpenWorld,
} from './bus-world.js';

export function followingConformance(open: OpenWorld): void {
  describe('follow', () => {
    let world: BusWorld;
    let bus: MessageBus;
    let publisher: MessageBus;
    beforeAll(async () => {
      world = await open();
      bus = await world.connect();
      publisher = await world.connect();
    });
    afterAll(() => world.close());

    it('gives what is stored and then what follows, without a gap or a repeat', async () => {
      const subject = `live.${token()}.tokens`;
      await publishNumbers(publisher, subject, 50);
      const reading = firstOf(bus, subject, 150);
      await publishNumbers(publisher, subject, 100, 50);
      const read = await reading;
      expect(read.map((each) => each.envelope.data)).toEqual(numbers(150));
      expect(read.map((each) => each.sequence)).toEqual(read.map((each) => each.sequence).toSorted((a, b) => a - b));
    });

    it('resumes exactly after a sequence, among the subjects of others', async () => {
      const [mine, others] = [`live.${token()}.tokens`, `live.${token()}.tokens`];
      for (const number of numbers(20)) {
        await publisher.publish(message(mine, number));
        await publisher.publish(message(others, 'noise'));
      }
      const seventh = (await firstOf(bus, mine, 7)).at(-1)!;
      const rest = await firstOf(bus, mine, 13, seventh.sequence);
      expect(rest.map((each) => each.envelope.data)).toEqual(numbers(13, 7));
    });

    it('gives each of many followers everything', async () => {
      const subject = `live.${token()}.tokens`;
      const readings = numbers(10).map(() => firstOf(bus, subject, 40));
      await publishNumbers(publisher, subject, 40);
      for (const read of await Promise.all(readings))
        expect(read.map((each) => each.envelope.data)).toEqual(numbers(40));
    });

    it('ends when its signal aborts while it waits, and at once when it has aborted before', async () => {
      const subject = `live.${token()}.tokens`;
      const abort = new AbortController();
      const read: LiveMessage[] = [];
      const reading = (async () => {
        for await (const each of bus.follow(subject, { afterSequence: 0, signal: abort.signal })) {
          read.push(each);
          abort.abort();
        }
      })();
      await publisher.publish(message(subject, 'only'));
      await reading;
      expect(read).toHaveLength(1);
      for await (const each of bus.follow(subject, { afterSequence: 0, signal: AbortSignal.abort() })) read.push(each);
      expect(read).toHaveLength(1);
    });

    it('begins anew when the sequence lies beyond the end: that stream is gone', async () => {
      const subject = `live.${token()}.tokens`;
      await publisher.publish(message(subject, 'new'));
      const [first] = await firstOf(bus, subject, 1, 1_000_000_000);
      expect(first?.envelope.data).toBe('new');
    });

    it('refuses work queues and what is not stored', async () => {
      expect(await codeOf(firstOf(bus, `task.${token()}.v1`, 1))).toBe('work_queue_subject');
      expect(await codeOf(firstOf(bus, `cmd.${token()}.v1`, 1))).toBe('not_a_stored_subject');
    });
  });
}
