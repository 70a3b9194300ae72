import { describe, expect, it } from '@jest/globals';
import { noRevision, readFeedback } from './feedback.js';

const check = (score: number | null, ...reasons: string[]) => ({ score, confidence: 'high', reasons });

describe('reading feedback', () => {
  it.each<[string, Parameters<typeof readFeedback>[0], object]>([
    ['nothing', undefined, {}],
    ['null', null, {}],
    ['plain words', 'Please make it longer.', { length: 1 }],
    ['plain words the other way', 'Shorten the text, it is too long.', { length: -1 }],
    ['too few words', check(0.5, 'The article has 80 words; 120 are the least.'), { length: 1 }],
    ['too few sections', check(0.5, 'There are 1 sections; two are the least.'), { sections: 1 }],
    [
      'hard to read',
      check(0.2, 'Flesch reading ease 9.', '31 words a sentence on average.'),
      { shorterSentences: true },
    ],
    ['a missing keyword', check(0.4, 'No heading holds the keyword.'), { keyword: true }],
    [
      'a stuffed keyword',
      check(0.4, 'The keyword makes up 9 % of the text, which reads as stuffing.'),
      { lessRepetition: true },
    ],
    ['meta data, which the article does not change', check(0.4, 'The title has 90 characters; 65 are shown.'), {}],
    ['a check that is satisfied', check(1, 'Flesch reading ease 70.'), {}],
    [
      'whole evaluations',
      {
        quality: {
          score: 0.7,
          passed: false,
          checks: { structure: check(0.6, 'There are 1 sections; two are the least.') },
        },
        seo: { score: null, checks: { keyword: check(null, 'The title does not hold the keyword.') } },
      },
      { sections: 1, keyword: true },
    ],
  ])('understands %s', (_, feedback, expected) => {
    expect(readFeedback(feedback)).toEqual({ ...noRevision, ...expected });
  });
});
