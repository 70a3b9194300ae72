import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readArticle } from './article-text.js';

describe('readArticle', () => {
  it('gives markers behind a full stop to the sentence before them', () => {
    const { sentences } = readArticle('Events are the truth.[1] A crash loses nothing [2][3]. The rest is a cache.');
    expect(sentences.map(({ text, markers }) => [text, markers])).toEqual([
      ['Events are the truth.', [1]],
      ['A crash loses nothing .', [2, 3]],
      ['The rest is a cache.', []],
    ]);
  });

  it('separates sections and leaves code and tables out', () => {
    const { sections } = readArticle(
      'Opening.\n\n## One\n\nText.\n\n```\nnot prose.\n```\n\n| a |\n|---|\n| b |\n\n### Deeper\n\n- item one.\n- item two.',
    );
    expect(sections.map(({ heading, depth, paragraphs }) => [heading, depth, paragraphs.length])).toEqual([
      ['', 0, 1],
      ['One', 2, 1],
      ['Deeper', 3, 2],
    ]);
  });

  it('reads any text without failing, and no marker is lost from plain prose', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500 }), (markdown) => {
        expect(readArticle(markdown).sections.length).toBeGreaterThan(0);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 8 }), (markers) => {
        const text = markers.map((marker) => `The system keeps its promise [${marker}].`).join(' ');
        expect(readArticle(text).sentences.flatMap((sentence) => sentence.markers)).toEqual(markers);
      }),
    );
  });
});
