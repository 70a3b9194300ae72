import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@millrace/testing';
import type { IncomingMessage, MessageBus } from '../bus.js';
import type { BlobStore } from '../claim-check/blob-store.js';
import { claimCheckBytes } from '../claim-check/claim-check.js';
import {
  codeOf,
  consumer,
  deadLetters,
  firstOf,
  message,
  Seen,
  token,
  type BusWorld,
  type OpenWorld,
} from './bus-world.js';

const large = (label: string): string => label + 'ü'.repeat(claimCheckBytes);
const veryLarge = 'x'.repeat(3 * 1024 * 1024);

export function largePayloadsConformance(open: OpenWorld): void {
  describe('large payloads', () => {
    let world: BusWorld;
    let bus: MessageBus;
    let other: MessageBus;
    beforeAll(async () => {
      world = await open();
      bus = await world.connect();
      other = await world.connect();
    });
    afterAll(() => world.close());

    it('travel with stored messages and keep their order among small ones', async () => {
      const subject = `task.${token()}.v1`;
      const seen = new Seen();
      await other.consume({ ...consumer(subject), slots: 10 }, seen.acked);
      const sent = [large('a'), 'small', veryLarge, 'small too', large('b'), 'last'];
      for (const data of sent) await bus.publish(message(subject, data));
      await seen.count(sent.length);
      expect(seen.data).toEqual(sent);
      expect(seen.deliveries[0]?.headers).toEqual({});
    });

    it('travel with requests and replies', async () => {
      const subject = `cmd.${token()}.v1`;
      await other.respond(subject, { queue: 'q', maxInFlight: 4 }, ({ envelope }) =>
        Promise.resolve([envelope.data, veryLarge]),
      );
      expect(await bus.request(message(subject, large('a')))).toEqual([large('a'), veryLarge]);
    });

    it('travel to followers, subscribers and dead letters', async () => {
      const subject = `evt.acme.${token()}.v1`;
      const passed: IncomingMessage[] = [];
      await other.subscribe(subject, (incoming) => void passed.push(incoming));
      await other.consume({ ...consumer(subject), maxDeliveries: 1 }, () => Promise.reject(new Error('no')));
      await bus.publish(message(subject, large('a')));
      bus.notify(message(subject, large('b')));
      await eventually(() => passed.length === 2);
      expect(new Set(passed.map(({ envelope }) => envelope.data))).toEqual(new Set([large('a'), large('b')]));
      expect((await firstOf(other, subject, 1))[0]?.envelope.data).toBe(large('a'));
      expect((await deadLetters(other, subject, 1))[0]?.envelope.data).toBe(large('a'));
    });

    it('are tried again while their store is away, and fail their sender while it is', async () => {
      const kept = new Map<string, Uint8Array>();
      let away = false;
      const attempt = <Result>(work: () => Result): Promise<Result> =>
        away ? Promise.reject(new Error('connection refused')) : Promise.resolve(work());
      const blobs: BlobStore = {
        put: (sha256, content) => attempt(() => void kept.set(sha256, content)),
        get: (sha256) => attempt(() => kept.get(sha256)),
      };
      await using own = await open({ blobs });
      const there = await own.connect();
      const subject = `task.${token()}.v1`;
      await there.publish(message(subject, large('a')));
      away = true;
      expect(await codeOf(there.publish(message(subject, large('b'))))).toBe('blob_unavailable');
      const seen = new Seen();
      await there.consume({ ...consumer(subject), maxDeliveries: 9 }, seen.acked);
      away = false;
      await seen.count(1);
      expect(seen.data).toEqual([large('a')]);
    });
  });
}
