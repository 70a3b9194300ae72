import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EventQueue } from './event-queue.js';

describe('the event queue', () => {
  it('gives what was added by time, and of one moment in its order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 200 }), (moments) => {
        const queue = new EventQueue<{ at: number; readonly order: number }>();
        const items = moments.map((at, order) => ({ at, order }));
        for (const item of items) queue.add(item);
        const taken = Array.from(items, () => queue.take());
        expect(taken).toEqual(items.toSorted((one, other) => one.at - other.at || one.order - other.order));
        expect(queue.take()).toBeUndefined();
      }),
    );
  });
});
