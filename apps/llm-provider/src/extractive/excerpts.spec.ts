import { describe, expect, it } from '@jest/globals';
import { chooseExcerpts, excerptsOf } from './excerpts.js';
import { EvidenceIndex } from './relevance.js';
import { readSources } from './source-text.js';
import { passagesOf } from './testing/corpus.js';

const text = `# Hives

A hive is a stack of boxes with frames. It should face south-east in cool climates. However, no place is perfect for bees.
Which wood is best? A hive of cedar lasts for twenty years.

A hive of cedar lasts for about twenty years in the rain.
`;
const sources = readSources(passagesOf('hives.md', text));
const excerpts = excerptsOf(sources);
const wordsOf = (excerpt: (typeof excerpts)[number]) =>
  excerpt.sentences.map((sentence) => sentence.text.split(' ')[0]).join(' ');

describe('excerpts', () => {
  it('begin with a sentence that stands by itself, run on without a gap, and stop where the source is unfit', () => {
    expect(excerpts.map(wordsOf)).toEqual(['A', 'A It', 'A It However,', 'A', 'A']);
  });

  it('are not chosen twice, nor in other words', () => {
    const index = new EvidenceIndex(sources);
    const ranked = excerpts.map((excerpt) => ({ excerpt, score: 1 }));
    const chosen = chooseExcerpts(index, ranked, [], { sentences: 10, diversity: 0.7, worthAdding: 0 });
    expect(
      chosen.flatMap(({ sentences }) => sentences).filter((sentence) => sentence.text.includes('cedar')),
    ).toHaveLength(1);
    expect(chooseExcerpts(index, ranked, chosen, { sentences: 10, diversity: 0.7, worthAdding: 0 })).toEqual([]);
  });

  it('hold no more sentences than asked for', () => {
    const index = new EvidenceIndex(sources);
    const ranked = excerpts.map((excerpt) => ({ excerpt, score: excerpt.sentences.length }));
    const best = ranked.toSorted((left, right) => right.score - left.score);
    const limits = { diversity: 0.7, worthAdding: 0 };
    for (const sentences of [0, 1, 2, 3]) {
      const chosen = chooseExcerpts(index, best, [], { ...limits, sentences });
      expect(chosen.flatMap((excerpt) => excerpt.sentences).length).toBeLessThanOrEqual(sentences);
    }
  });
});
