import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PriceList, priced } from './price.js';

const list = new PriceList([
  { model: 'a/m', inputUsdPerMillion: 1, outputUsdPerMillion: 2 },
  { model: 'a/m', from: '2026-03-01', inputUsdPerMillion: 3, cachedInputUsdPerMillion: 0.3, outputUsdPerMillion: 4 },
  { model: 'a/m', from: '2026-02-01', inputUsdPerMillion: 2, outputUsdPerMillion: 3 },
]);
const at = (moment: string) => list.at('a/m', new Date(moment)).inputUsdPerMillion;

describe('prices', () => {
  it('hold from their day on, in UTC', () => {
    expect(['2020-01-01', '2026-01-31T23:59:59Z', '2026-02-01', '2026-03-01T00:00:00Z', '2030-01-01'].map(at)).toEqual([
      1, 1, 2, 3, 3,
    ]);
  });

  it('are zero for a model that has none', () => {
    expect(list.at('b/m', new Date())).toEqual({ inputUsdPerMillion: 0, outputUsdPerMillion: 0 });
  });

  it('count cached input at its own rate, or as other input', () => {
    const usage = { promptTokens: 1_000_000, cachedPromptTokens: 400_000, completionTokens: 500_000 };
    expect(priced(usage, list.at('a/m', new Date('2026-04-01'))).costUsd).toBe(1.8 + 0.12 + 2);
    expect(priced(usage, list.at('a/m', new Date('2026-02-02'))).costUsd).toBe(2 + 1.5);
  });

  it('never cost less than nothing, and never less for more', () => {
    const count = fc.nat(1_000_000_000);
    const rate = fc.double({ min: 0, max: 10_000, noNaN: true });
    fc.assert(
      fc.property(count, count, rate, rate, (promptTokens, more, inputUsdPerMillion, outputUsdPerMillion) => {
        const rates = { inputUsdPerMillion, outputUsdPerMillion };
        const cost = (completionTokens: number) => priced({ promptTokens, completionTokens }, rates).costUsd;
        expect(cost(1)).toBeGreaterThanOrEqual(0);
        expect(cost(1 + more)).toBeGreaterThanOrEqual(cost(1));
      }),
    );
  });
});
