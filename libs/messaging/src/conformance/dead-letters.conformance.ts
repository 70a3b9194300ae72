import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import { eventually } from '@millrace/testing';
import type { MessageBus } from '../bus.js';
import { claimCheckHeader, claimSizeHeader, deadLetterHeaders } from '../wire/headers.js';
import {
  ack,
  consumer,
  deadLetters,
  firstOf,
  message,
  Seen,
  token,
  type BusWorld,
  type OpenWorld,
} from './bus-world.js';

const refusal = new MillraceError('invalid', 'bad_input', 'The input\nis bad.');

export function deadLettersConformance(open: OpenWorld): void {
  describe('dead letters', () => {
    let world: BusWorld;
    let bus: MessageBus;
    beforeAll(async () => {
      world = await open();
      bus = await world.connect();
    });
    afterAll(() => world.close());

    it('keep the message as it was, with its reason, and leave the queue', async () => {
      const subject = `task.${token()}.v1`;
      const sent = { ...message(subject, { topic: 'x' }), headers: { traceparent: 'abc' } };
      const seen = new Seen();
      await bus.consume(consumer(subject, `dead-${token()}`), (delivery) => {
        seen.deliveries.push(delivery);
        return Promise.resolve({ kind: 'dead-letter', error: refusal.toShape() });
      });
      const { sequence } = await bus.publish(sent);
      const [letter] = await firstOf(bus, `dlq.${subject}`, 1);
      expect(letter?.envelope).toEqual(sent.envelope);
      expect(letter?.headers).toMatchObject({ traceparent: 'abc' });
      expect(letter?.headers).toMatchObject({
        [deadLetterHeaders.code]: 'bad_input',
        [deadLetterHeaders.reason]: 'The input is bad.',
        [deadLetterHeaders.subject]: subject,
        [deadLetterHeaders.deliveryCount]: '1',
        [deadLetterHeaders.stream]: 'TASKS',
        [deadLetterHeaders.sequence]: String(sequence),
      });
      expect(seen.deliveries).toHaveLength(1);
    });

    it('hold what failed on every delivery, once, with the last error', async () => {
      const subject = `task.${token()}.v1`;
      let deliveries = 0;
      await bus.consume({ ...consumer(subject), maxDeliveries: 2 }, () => {
        deliveries += 1;
        throw new MillraceError('unavailable', `failure_${deliveries}`, 'No.', { retryAfterSeconds: 0.1 });
      });
      await bus.publish(message(subject, 'doomed'));
      const [letter] = await deadLetters(bus, subject, 1);
      expect(letter?.headers[deadLetterHeaders.code]).toBe('failure_2');
      expect(letter?.headers[deadLetterHeaders.deliveryCount]).toBe('2');
      expect(deliveries).toBe(2);
    });

    it('hold no text of an unexpected error', async () => {
      const subject = `task.${token()}.v1`;
      await bus.consume({ ...consumer(subject), maxDeliveries: 1 }, () => {
        throw new Error('postgres://user:canary-secret@host');
      });
      await bus.publish(message(subject, 'doomed'));
      const [letter] = await deadLetters(bus, subject, 1);
      expect(letter?.headers[deadLetterHeaders.code]).toBe('internal_error');
      expect(JSON.stringify(letter)).not.toContain('canary-secret');
    });

    it('hold what a retry on the last delivery gave up', async () => {
      const subject = `task.${token()}.v1`;
      await bus.consume({ ...consumer(subject), maxDeliveries: 2 }, () =>
        Promise.resolve({ kind: 'retry', delayMs: 100 }),
      );
      await bus.publish(message(subject, 'doomed'));
      const [letter] = await deadLetters(bus, subject, 1);
      expect(letter?.headers[deadLetterHeaders.code]).toBe('deliveries_exhausted');
    });

    it.each([
      ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
      ['text that is no JSON', Buffer.from('{"id": ')],
      ['nothing', Buffer.alloc(0)],
      ['JSON that is no envelope', Buffer.from('{"id":"x","type":"y"}')],
      ['deep nesting', Buffer.from('['.repeat(100_000))],
      ['a wrong tenant', Buffer.from(JSON.stringify({ ...message('x', 1).envelope, tenantId: '../other' }))],
    ])('hold %s without hurting the neighbours', async (_, payload) => {
      const subject = `task.${token()}.v1`;
      const seen = new Seen();
      await bus.publish(message(subject, 'before'));
      await world.storeRaw(subject, payload);
      await bus.publish(message(subject, 'after'));
      await bus.consume({ ...consumer(subject), slots: 1 }, seen.acked);
      await seen.count(2);
      expect(seen.data).toEqual(['before', 'after']);
      const [letter] = await deadLetters(bus, subject, 1);
      expect(letter?.headers[deadLetterHeaders.code]).toBe('invalid_message');
      expect(letter?.envelope).toMatchObject({
        type: 'unreadable-message',
        data: { base64: payload.toString('base64') },
      });
    });

    it('hold a payload whose blob is gone, after trying again', async () => {
      const subject = `task.${token()}.v1`;
      const gone = 'a'.repeat(64);
      await bus.consume({ ...consumer(subject), maxDeliveries: 2 }, () => Promise.resolve(ack));
      await world.storeRaw(subject, Buffer.alloc(0), { [claimCheckHeader]: gone, [claimSizeHeader]: '300000' });
      const [letter] = await deadLetters(bus, subject, 1);
      expect(letter?.headers[deadLetterHeaders.code]).toBe('blob_missing');
      expect(letter?.envelope.data).toEqual({ base64: '', missingPayload: gone });
    });

    it('come before the end of the original: when they cannot be stored, it stays', async () => {
      await using narrow = await open({ limits: { DEAD_LETTERS: { maxMessages: 1 } } });
      const small = await narrow.connect();
      const subject = `task.${token()}.v1`;
      await small.publish(message(`dlq.${subject}`, 'fills the stream'));
      const seen = new Seen();
      await small.consume(consumer(subject), (delivery) => {
        seen.deliveries.push(delivery);
        return Promise.resolve({ kind: 'dead-letter', error: refusal.toShape() });
      });
      await small.publish(message(subject, 'kept'));
      await eventually(() => narrow.problems.some((problem) => problem.code === 'dead_letter_not_stored'));
      await seen.count(2);
    });

    it('that their own reader cannot process stay where they are', async () => {
      const subject = `task.${token()}.v1`;
      await bus.consume({ ...consumer(`dlq.${subject}`), maxDeliveries: 1 }, () => Promise.reject(new Error('no')));
      await bus.publish(message(`dlq.${subject}`, 'letter'));
      await eventually(() => world.problems.some((problem) => problem.subject === `dlq.${subject}`));
      expect(await deadLetters(bus, subject, 1)).toHaveLength(1);
    });
  });
}
