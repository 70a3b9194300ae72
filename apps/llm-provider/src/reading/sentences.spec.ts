import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readParagraphs } from './paragraphs.js';
import { sentencesOf } from './sentences.js';
import { termsOf, TermWeights } from './terms.js';

const read = (markdown: string) =>
  readParagraphs(markdown).flatMap((paragraph) =>
    sentencesOf(paragraph).map(({ text, start, end }) => ({ text, source: markdown.slice(start, end) })),
  );
const textsOf = (markdown: string) => read(markdown).map(({ text }) => text);

describe('reading sentences', () => {
  it('shows words and keeps the source exact', () => {
    expect(read('A **bold** [link](https://x.example) to `code()`. _Second_ one\nover two lines.')).toEqual([
      { text: 'A bold link to `code()`.', source: 'A **bold** [link](https://x.example) to `code()`.' },
      { text: 'Second one over two lines.', source: '_Second_ one\nover two lines.' },
    ]);
  });

  it('follows quotes, lists, escapes and entities back to their source', () => {
    expect(read('> Quoted *words\n> go* on. Then more.')).toEqual([
      { text: 'Quoted words go on.', source: 'Quoted *words\n> go* on.' },
      { text: 'Then more.', source: 'Then more.' },
    ]);
    expect(read('- One &amp; two \\*stars\\* here. Next &lt;3.')).toEqual([
      { text: 'One & two *stars* here.', source: 'One &amp; two \\*stars\\* here.' },
      { text: 'Next <3.', source: 'Next &lt;3.' },
    ]);
  });

  it('leaves out what is no prose', () => {
    expect(
      textsOf('# Heading\n\n```\ncode.\n```\n\n| a. |\n| - |\n\n![An image.](x.png)\n\n<b>Html.</b>\n\nProse.'),
    ).toEqual(['Html.', 'Prose.']);
  });

  it('splits where sentences end and nowhere else', () => {
    expect(
      textsOf('Use e.g. Kafka or Dr. Who. Version 2.1 is out. Call `a.b. C` twice. It works, i.e. It runs.'),
    ).toEqual(['Use e.g. Kafka or Dr. Who.', 'Version 2.1 is out.', 'Call `a.b. C` twice.', 'It works, i.e. It runs.']);
  });

  it('reads the words of an alert', () => {
    expect(read('> [!NOTE]\n> Bees *sting* people.')).toEqual([
      { text: 'Bees sting people.', source: 'Bees *sting* people.' },
    ]);
  });

  it('reads references whose definitions are elsewhere', () => {
    expect(textsOf('See [the guide][guide] and [NATS]. Item `a[0]` and x[1].')).toEqual([
      'See the guide and NATS.',
      'Item `a[0]` and x[1].',
    ]);
  });

  it('escapes what would be Markdown again, and only that', () => {
    const markdown = (source: string) => readParagraphs(source).flatMap(sentencesOf)[0]?.markdown;
    expect(markdown('Set max_retries to 3 \\* 4 for \\<b> and `*x*`.')).toBe(
      'Set max_retries to 3 \\* 4 for \\<b> and `*x*`.',
    );
  });

  it('gives spans in order that lie within the text, whatever the text is', () => {
    const fragment = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('*', '`', '[a](b)', '\n', '\n\n', '> ', '- ', 'Word. ', '&amp;', '👩‍👧', '[x]', '<i>'),
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 30 }), (fragments) => {
        const markdown = fragments.join('');
        for (const paragraph of readParagraphs(markdown)) {
          let before = 0;
          for (const { start, end, text } of sentencesOf(paragraph)) {
            expect(start).toBeGreaterThanOrEqual(before);
            expect(end).toBeGreaterThan(start);
            expect(end).toBeLessThanOrEqual(markdown.length);
            expect(text).toBe(text.trim());
            before = start;
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('terms', () => {
  it('are stems without stop words', () => {
    expect(termsOf('The Runners were running to the databases')).toEqual(['runner', 'run', 'databas']);
  });

  it('weigh more the rarer they are, and the most when nobody uses them', () => {
    const weights = new TermWeights([['bee', 'hive'], ['bee', 'wax'], ['bee']]);
    expect(weights.of('bee')).toBeLessThan(weights.of('wax'));
    expect(weights.of('wax')).toBeLessThan(weights.of('moon'));
    expect(weights.of('bee')).toBeGreaterThan(0);
  });
});
