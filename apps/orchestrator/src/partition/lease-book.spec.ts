import { describe, expect, it } from '@jest/globals';
import { partitionCount } from '@millrace/contracts';
import fc from 'fast-check';
import { LeaseBook } from './lease-book.js';
import { fairShare } from './ownership.js';

function bookAt(): { book: LeaseBook; lost: number[]; setNow: (now: number) => void } {
  let now = 0;
  const lost: number[] = [];
  const book = new LeaseBook(
    'a',
    () => now,
    (partition) => lost.push(partition),
  );
  return { book, lost, setNow: (value) => (now = value) };
}

describe('LeaseBook', () => {
  it('owns a partition until the lease runs out, and again when it is renewed', () => {
    const { book, setNow } = bookAt();
    expect(book.owns(4)).toBe(false);
    book.acquired({ partition: 4, epoch: 7 }, 100);
    setNow(99);
    expect(book.owns(4)).toBe(true);
    setNow(100);
    expect(book.owns(4)).toBe(false);
    book.renewed(4, 200);
    expect(book.owns(4)).toBe(true);
  });

  it('takes messages again for a partition that could not be handed back', () => {
    const { book } = bookAt();
    book.acquired({ partition: 4, epoch: 7 }, 100);
    book.leave(4);
    book.renewed(4, 200);
    expect(book.owns(4)).toBe(true);
  });

  it('takes nothing new for a partition that it is leaving, and still holds it', () => {
    const { book, lost } = bookAt();
    book.acquired({ partition: 4, epoch: 7 }, 100);
    book.leave(4);
    expect([book.owns(4), book.holds(4)]).toEqual([false, true]);
    expect(book.claim([4])).toEqual({ owner: 'a', partitions: [4], epochs: [7] });
    book.lost(4);
    book.lost(4);
    expect([book.owns(4), book.holds(4), lost]).toEqual([false, false, [4]]);
  });

  it('claims the epoch in which a batch was decided, and not the one since then', () => {
    const { book } = bookAt();
    book.acquired({ partition: 4, epoch: 7 }, 1_000);
    const decidedIn = book.epochOf(4);
    book.lost(4);
    book.acquired({ partition: 4, epoch: 9 }, 1_000);
    expect(book.claim([4], () => decidedIn)).toMatchObject({ epochs: [7] });
    expect(book.epochOf(4)).toBe(9);
  });

  it('claims what it does not hold with an epoch that nobody has', () => {
    expect(bookAt().book.claim([9])).toEqual({ owner: 'a', partitions: [9], epochs: [-1] });
  });
});

describe('fairShare', () => {
  it('covers every partition and is never off by a whole replica', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), (replicas) => {
        expect(fairShare(replicas) * replicas).toBeGreaterThanOrEqual(partitionCount);
        expect((fairShare(replicas) - 1) * replicas).toBeLessThan(partitionCount);
      }),
    );
  });
});
