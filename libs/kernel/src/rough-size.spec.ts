import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { roughSize, sizeUpTo } from './rough-size.js';

describe('the rough size of a value', () => {
  it('is not far below what it takes as JSON, and never above what is enough', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 100_000 }), (value, enough) => {
        const size = roughSize(value, enough);
        expect(size).toBeLessThanOrEqual(enough);
        // Escapes and characters of several bytes take up to six times their length, long numbers three times eight.
        if (size < enough) expect(JSON.stringify(value).length).toBeLessThanOrEqual(6 * size);
      }),
    );
  });

  it('is exact wherever a limit may be passed', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 2_000 }), (value, limit) => {
        const { length } = JSON.stringify(value);
        const size = sizeUpTo(limit, value);
        expect(size > limit).toBe(length > limit);
        if (length > limit) expect(size).toBe(length);
      }),
    );
  });

  it('stops walking as soon as it is enough', () => {
    const endless = {
      get more(): unknown {
        return endless;
      },
    };
    expect(roughSize(endless, 1_000)).toBe(1_000);
  });
});
