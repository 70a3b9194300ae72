import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isDueAgain } from './republisher.js';

describe('isDueAgain', () => {
  it('is never true before the first interval is over', () => {
    expect(isDueAgain(99, 1_000, 100)).toBe(false);
  });

  it('is true once at each doubling, however the passes fall', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 49 }), { minLength: 1, maxLength: 200 }), (intervals) => {
        let age = 0;
        let times = 0;
        for (const interval of intervals) {
          age += interval;
          if (isDueAgain(age, interval, 100)) times += 1;
        }
        expect(times).toBe(age < 100 ? 0 : Math.floor(Math.log2(age / 100)) + 1);
      }),
    );
  });
});
