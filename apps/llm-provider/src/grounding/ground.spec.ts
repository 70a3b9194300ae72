import { describe, expect, it } from '@jest/globals';
import type { Passage } from '@millrace/contracts';
import fc from 'fast-check';
import { findMarkers } from './citation-markers.js';
import { ground } from './ground.js';

const snapshot =
  'Herons fish in shallow water. They stand still for minutes.\n\n' +
  'A **grey heron** eats fish, frogs and voles; it weighs up to `2 kg`. Nests are built in tall trees.\n\n' +
  '| bird | legs |\n| --- | --- |\n| heron | long |\n';

function passage(start: number, end: number): Passage {
  return {
    documentId: 'doc_1',
    snapshotSha256: 'a'.repeat(64),
    chunkId: `chunk_${start}`,
    source: 'birds.md',
    title: 'Birds',
    headings: [],
    start,
    end,
    text: snapshot.slice(start, end),
    score: 1,
  };
}
const split = snapshot.indexOf('A **grey');
const evidence = [passage(0, split), passage(split, snapshot.length)];

describe('ground', () => {
  it('renumbers by first appearance and quotes the sentence behind the claim', () => {
    const { markdown, citations } = ground('Voles are prey of herons [2]. They fish in shallow water [1].', evidence);
    expect(markdown).toBe('Voles are prey of herons [1]. They fish in shallow water [2].');
    expect(citations.map(({ marker, quote }) => ({ marker, quote }))).toEqual([
      { marker: 1, quote: 'A **grey heron** eats fish, frogs and voles; it weighs up to `2 kg`.' },
      { marker: 2, quote: 'Herons fish in shallow water.' },
    ]);
  });

  it('gives one passage two citations where two claims rest on different sentences of it', () => {
    const { markdown, citations } = ground(
      'They stand still [1]. They fish in shallow water [1]. Still they stand [1].',
      evidence,
    );
    expect(markdown).toBe('They stand still [1]. They fish in shallow water [2]. Still they stand [1].');
    expect(citations).toHaveLength(2);
  });

  it('takes a marker after the full stop for the sentence before it', () => {
    const { citations } = ground('Nests are in tall trees. [2] Herons swim badly.', evidence);
    expect(citations[0]?.quote).toBe('Nests are built in tall trees.');
  });

  it('takes more sentences where the claim needs them', () => {
    const { citations } = ground('Standing still for minutes, herons fish in shallow water [1].', evidence);
    expect(citations[0]?.quote).toBe('Herons fish in shallow water. They stand still for minutes.');
  });

  it('can rest on a table, and on the whole passage where no word is shared', () => {
    expect(ground('The heron has long legs [2].', evidence).citations[0]?.quote).toContain('| heron | long |');
    expect(ground('Unrelated words entirely [1].', evidence).citations[0]?.quote).toBe(snapshot.slice(0, split).trim());
  });

  it.each([
    ['names none', 'A claim [7].', 'A claim.'],
    ['names none, at the end', 'A claim [0]', 'A claim'],
    ['names none, between words', 'A claim [9] goes on.', 'A claim goes on.'],
    ['some of a list', 'They fish in water [1, 9].', 'They fish in water [1].'],
    ['a range', 'They fish in trees [1-2].', 'They fish in trees [1][2].'],
    ['an absurd range', 'They fish [1-900000000].', 'They fish.'],
    ['a year range', 'Counted over years [2019–2024].', 'Counted over years.'],
    ['escaped brackets', 'They fish in water \\[1\\].', 'They fish in water [1].'],
    ['full-width brackets', 'They fish in water 【1】.', 'They fish in water [1].'],
    ['hides behind a removed one', 'They fish [[99]5].', 'They fish.'],
    ['a link that stands for a marker', 'They fish in water [1](https://invented.example).', 'They fish in water [1].'],
    [
      'an invented reference list',
      'They fish in water [1].\n\n[1]: https://invented.example',
      'They fish in water [1].',
    ],
  ])('handles a marker that %s', (_, given, expected) => {
    expect(ground(given, evidence).markdown.trimEnd()).toBe(expected);
  });

  it.each([
    'Use `list[1]` here.',
    '```\nx = y[1]\n```',
    'See [chapter [1] of it](https://example.org).',
    '    indented[1]',
  ])('leaves %s alone', (given) => {
    expect(ground(given, evidence)).toEqual({ markdown: given, citations: [] });
  });

  it('names a passage that was found twice only once', () => {
    const twice = [passage(0, split), passage(0, split)];
    expect(ground('They fish in shallow water [1, 2].', twice).markdown).toBe('They fish in shallow water [1].');
  });

  it('works with nothing', () => {
    expect(ground('', [])).toEqual({ markdown: '', citations: [] });
    expect(ground('A claim [1].', [])).toEqual({ markdown: 'A claim.', citations: [] });
    expect(ground('A claim [1].', [{ ...passage(0, 0), text: '' }])).toEqual({ markdown: 'A claim.', citations: [] });
  });
});

describe('what always holds of grounded text', () => {
  const piece = fc.oneof(
    fc.constantFrom('[1]', '[2]', '[3]', '[0]', '[12]', '[1, 2]', '[1-3]', '[[2]1]', '[[9]1]', '\\[1\\]', '【2】'),
    fc.constantFrom(
      '[1](https://x.example)',
      '[1]: https://x.example',
      '`a[1]`',
      '\n\n',
      '\n- ',
      '# ',
      '> ',
      '**',
      '_',
      '|',
    ),
    fc.constantFrom(
      'Herons fish in shallow water.',
      'nests',
      'A claim!',
      ' ',
      '. ',
      '[',
      ']',
      '(',
      ')',
      '\\',
      '<b>',
      '![1](x)',
    ),
    fc.string({ maxLength: 6 }),
  );
  const modelText = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''));

  it('every marker has its citation, every citation a marker, numbered by first appearance', () => {
    fc.assert(
      fc.property(modelText, (text) => {
        const { markdown, citations } = ground(text, evidence);
        const markers = findMarkers(markdown).flatMap((marker) => marker.numbers);
        const byFirstAppearance = [...new Set(markers)];
        expect(byFirstAppearance).toEqual(citations.map((_, index) => index + 1));
        expect(citations.map(({ marker }) => marker)).toEqual(byFirstAppearance);
      }),
      { numRuns: 400 },
    );
  });

  it('every quote is an exact slice of the snapshot, and no span is cited twice', () => {
    fc.assert(
      fc.property(modelText, (text) => {
        const { citations } = ground(text, evidence);
        for (const { start, end, quote } of citations) {
          expect(quote).toBe(snapshot.slice(start, end));
          expect(quote.trim()).not.toBe('');
        }
        expect(new Set(citations.map(({ start, end }) => `${start}-${end}`)).size).toBe(citations.length);
      }),
    );
  });

  it('grounding again changes nothing but the numbers of evidence', () => {
    fc.assert(
      fc.property(modelText, (text) => {
        const { markdown } = ground(text, []);
        expect(findMarkers(markdown)).toEqual([]);
        expect(ground(markdown, []).markdown).toBe(markdown);
      }),
    );
  });
});
