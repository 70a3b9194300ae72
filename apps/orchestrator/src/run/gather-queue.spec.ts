import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GatherQueue } from './gather-queue.js';

const item = (bytes: number, name = '') => ({ bytes, name });

describe('GatherQueue', () => {
  it('turns away what does not fit, saying when to come again', () => {
    const queue = new GatherQueue<{ bytes: number }>({ maxItems: 2, maxBytes: 100 });
    queue.add(item(60));
    expect(() => queue.add(item(60))).toThrow(
      expect.objectContaining({ code: 'orchestrator_overloaded', retryable: true, retryAfterSeconds: 1 }),
    );
    queue.add(item(40));
    expect(() => queue.add(item(0))).toThrow(expect.objectContaining({ kind: 'overloaded' }));
    queue.take({ maxItems: 10, maxBytes: 1_000 });
    queue.add(item(60));
  });

  it('takes a single item of any size, so that nothing waits for ever', () => {
    const queue = new GatherQueue<{ bytes: number }>({ maxItems: 2, maxBytes: 100 });
    queue.add(item(1_000));
    expect(queue.take({ maxItems: 1, maxBytes: 10 })).toEqual([item(1_000)]);
    expect(queue.size).toBe(0);
  });

  it('gives everything that it took, once and in order, within the limits of a batch', () => {
    const limits = { maxItems: 3, maxBytes: 50 };
    fc.assert(
      fc.property(fc.array(fc.nat(80), { maxLength: 30 }), (sizes) => {
        const queue = new GatherQueue<{ bytes: number; name: string }>({ maxItems: 100, maxBytes: 10_000 });
        const added = sizes.map((bytes, index) => item(bytes, `${index}`));
        for (const each of added) queue.add(each);
        const taken: { bytes: number; name: string }[] = [];
        while (queue.size > 0) {
          const batch = queue.take(limits);
          const bytes = batch.reduce((sum, each) => sum + each.bytes, 0);
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length).toBeLessThanOrEqual(limits.maxItems);
          expect(batch.length === 1 || bytes <= limits.maxBytes).toBe(true);
          taken.push(...batch);
        }
        expect(taken).toEqual(added);
      }),
    );
  });
});
