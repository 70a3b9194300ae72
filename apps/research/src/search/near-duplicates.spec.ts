import { describe, expect, it } from '@jest/globals';
import { withoutNearDuplicates } from './near-duplicates.js';

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));
const kept = (texts: string[], limit = 10) => withoutNearDuplicates(texts, words, limit);

describe('near duplicates', () => {
  it('give way to the better one of them', () => {
    const original = 'a b c d e f g h i j';
    expect(kept([original, 'j i h g f e d c b a', 'a b c d e f g h i x', 'p q r'])).toEqual([original, 'p q r']);
  });

  it('are not those that merely share words', () => {
    const texts = ['a b c d e', 'a b c x y', 'a b c d e f g h'];
    expect(kept(texts)).toEqual(texts);
  });

  it('leave room for what follows', () => {
    expect(kept(['a', 'a', 'b', 'c'], 2)).toEqual(['a', 'b']);
  });
});
