import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MessageBus } from '../bus.js';
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

const dataOf = (messages: readonly { readonly envelope: { readonly data: unknown } }[]): unknown[] =>
  messages.map((each) => each.envelope.data);

export function readingConformance(open: OpenWorld): void {
  describe('read', () => {
    let world: BusWorld;
    let bus: MessageBus;
    beforeAll(async () => {
      world = await open();
      bus = await world.connect();
    });
    afterAll(() => world.close());

    it('gives pages without a gap or a repeat, among the subjects of others, until there is nothing more', async () => {
      const [mine, others] = [token(), token()];
      for (const number of numbers(25)) {
        await bus.publish(message(`evt.acme.${mine}.a.v1`, number));
        await bus.publish(message(`evt.acme.${others}.a.v1`, 'noise'));
      }
      const read: unknown[] = [];
      const sizes: number[] = [];
      let afterSequence = 0;
      for (;;) {
        const page = await bus.read(`evt.acme.${mine}.>`, { afterSequence, limit: 10 });
        read.push(...dataOf(page.messages));
        sizes.push(page.messages.length);
        expect(page.reachedSequence).toBeGreaterThanOrEqual(page.messages.at(-1)?.sequence ?? 0);
        if (page.reachedSequence === afterSequence) break;
        afterSequence = page.reachedSequence;
      }
      expect(read).toEqual(numbers(25));
      expect(sizes).toEqual([10, 10, 5, 0]);
    });

    it('reaches the end of the stream where nothing of the subject is left, so that later reading begins there', async () => {
      const subject = `evt.acme.${token()}.v1`;
      const { sequence } = await bus.publish(message(`evt.acme.${token()}.v1`, 'of others'));
      const empty = await bus.read(subject, { afterSequence: 0, limit: 5 });
      expect(empty.messages).toEqual([]);
      expect(empty.reachedSequence).toBeGreaterThanOrEqual(sequence);
      await publishNumbers(bus, subject, 3);
      const page = await bus.read(subject, { afterSequence: empty.reachedSequence, limit: 5 });
      expect(dataOf(page.messages)).toEqual(numbers(3));
    });

    it('misses nothing that is stored while it reads', async () => {
      const subject = `evt.acme.${token()}.v1`;
      const publishing = publishNumbers(bus, subject, 200);
      const read: unknown[] = [];
      for (let afterSequence = 0; read.length < 200;) {
        const page = await bus.read(subject, { afterSequence, limit: 30 });
        read.push(...dataOf(page.messages));
        afterSequence = page.reachedSequence;
      }
      await publishing;
      expect(read).toEqual(numbers(200));
    });

    it('says what the stream holds, and that it is the same stream that is followed', async () => {
      const subject = `evt.acme.${token()}.v1`;
      const before = await bus.extent(subject);
      const { sequence } = await bus.publish(message(subject, 1));
      const after = await bus.extent(subject);
      expect(after).toMatchObject({ identity: before.identity, firstSequence: 1 });
      expect(after.lastSequence).toBeGreaterThanOrEqual(sequence);
      expect(after.fullness).toBeGreaterThan(0);
      expect(after.fullness).toBeLessThan(0.1);
      const [followed] = await firstOf(bus, subject, 1);
      expect(followed?.stream).toBe(after.identity);
      const page = await bus.read(subject, { afterSequence: 0, limit: 1 });
      expect(page.extent.identity).toBe(after.identity);
      expect(page.messages[0]).toMatchObject({ sequence, envelope: { data: 1 } });
    });

    it('passes over what nobody can read, and goes on behind it', async () => {
      const subject = `evt.acme.${token()}.v1`;
      await world.storeRaw(subject, Buffer.from('not an envelope'));
      await bus.publish(message(subject, 'readable'));
      const page = await bus.read(subject, { afterSequence: 0, limit: 1 });
      expect(page.messages).toEqual([]);
      const next = await bus.read(subject, { afterSequence: page.reachedSequence, limit: 1 });
      expect(dataOf(next.messages)).toEqual(['readable']);
    });

    it('ends a page that became large, and goes on behind it', async () => {
      const subject = `evt.acme.${token()}.v1`;
      const large = 'x'.repeat(5 * 1024 * 1024);
      for (const number of numbers(3)) await bus.publish(message(subject, { number, large }));
      const page = await bus.read(subject, { afterSequence: 0, limit: 3 });
      expect(page.messages).toHaveLength(2);
      const next = await bus.read(subject, { afterSequence: page.reachedSequence, limit: 3 });
      expect(next.messages).toHaveLength(1);
    });

    it('knows how full a bounded stream is', async () => {
      await using small = await open({ limits: { EVENTS: { maxMessages: 4 } } });
      const narrow = await small.connect();
      const subject = `evt.acme.${token()}.v1`;
      await publishNumbers(narrow, subject, 3);
      expect((await narrow.extent(subject)).fullness).toBe(0.75);
    });

    it('refuses work queues, what is not stored, and pages without bounds', async () => {
      const read = (subject: string, limit = 1): Promise<string> =>
        codeOf(bus.read(subject, { afterSequence: 0, limit }));
      expect(await read(`task.${token()}.v1`)).toBe('work_queue_subject');
      expect(await read(`cmd.${token()}.v1`)).toBe('not_a_stored_subject');
      expect(await read('evt.acme..v1')).toBe('invalid_subject');
      for (const limit of [0, -1, 1.5, 1_001, Number.NaN])
        expect(await read('evt.acme.a.v1', limit)).toBe('invalid_limit');
    });
  });
}
