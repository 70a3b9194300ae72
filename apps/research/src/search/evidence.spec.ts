import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { coverageOf, isEvidence } from './evidence.js';

const frequencies = (terms: Record<string, number>): ReadonlyMap<string, number> => new Map(Object.entries(terms));
const topic = (...terms: string[]): ReadonlySet<string> => new Set(terms);
const term = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const passage = fc.dictionary(term, fc.integer({ min: 1, max: 5 })).map((terms) => frequencies(terms));

describe('coverage', () => {
  const matches = frequencies({ queue: 4, order: 12 });

  it('is nothing for nothing', () => {
    expect(coverageOf({ topic: topic('queue'), matches: new Map(), chunks: 0 }, [])).toBe(0);
    expect(coverageOf({ topic: topic('puppy'), matches, chunks: 20 }, [frequencies({ queue: 3 })])).toBe(0);
  });

  it('is whole when one passage holds all of the topic well', () => {
    const held = [frequencies({ queue: 2, order: 3 })];
    expect(coverageOf({ topic: topic('queue', 'order'), matches, chunks: 20 }, held)).toBeCloseTo(1);
  });

  it('is less for words that no passage holds together', () => {
    const about = { topic: topic('queue', 'order'), matches, chunks: 20 };
    const together = coverageOf(about, [frequencies({ queue: 2, order: 2 })]);
    const scattered = coverageOf(about, [frequencies({ queue: 2 }), frequencies({ order: 2 })]);
    expect(scattered).toBeLessThan(together);
  });

  it('counts a rare word for more than a common one', () => {
    const about = { topic: topic('queue', 'order'), matches, chunks: 20 };
    expect(coverageOf(about, [frequencies({ queue: 2 })])).toBeGreaterThan(
      coverageOf(about, [frequencies({ order: 2 })]),
    );
  });

  it('asks for more than a mention where the collection does not know all of the topic', () => {
    const known = { topic: topic('queue'), matches, chunks: 20 };
    const partlyKnown = { topic: topic('queue', 'puppy'), matches, chunks: 20 };
    const mentioned = [frequencies({ queue: 1 })];
    const treated = [frequencies({ queue: 4 })];
    expect(coverageOf(known, mentioned)).toBe(coverageOf(known, treated));
    expect(coverageOf(partlyKnown, mentioned)).toBeLessThan(coverageOf(partlyKnown, treated) / 2);
  });

  it('does not ask one passage for every word of a long topic', () => {
    const words = Array.from({ length: 12 }, (_, index) => `word${index}`);
    const about = { topic: new Set(words), matches: new Map(words.map((word) => [word, 2])), chunks: 20 };
    const half = [new Map(words.slice(0, 6).map((word) => [word, 1]))];
    expect(coverageOf(about, half)).toBeGreaterThan(0.9);
  });

  it('lies between 0 and 1, and another passage never lowers it', () => {
    const all = fc.record({
      topic: fc.uniqueArray(term, { minLength: 1 }).map((terms) => new Set(terms)),
      matches: fc.dictionary(term, fc.integer({ min: 1, max: 50 })).map((terms) => frequencies(terms)),
      chunks: fc.integer({ min: 0, max: 50 }),
    });
    fc.assert(
      fc.property(all, fc.array(passage, { maxLength: 5 }), passage, (statistics, passages, another) => {
        const coverage = coverageOf(statistics, passages);
        expect(coverage).toBeGreaterThanOrEqual(0);
        expect(coverage).toBeLessThanOrEqual(1);
        expect(coverageOf(statistics, [...passages, another])).toBeGreaterThanOrEqual(coverage);
      }),
    );
  });

  it('is no evidence without passages', () => {
    expect(isEvidence({ passages: [], coverage: 1 })).toBe(false);
  });
});
