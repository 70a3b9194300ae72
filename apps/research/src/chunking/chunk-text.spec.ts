import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { chunkSize, chunkText, type Chunk } from './chunk-text.js';
import { markdownStructure } from './markdown-structure.js';
import { plainStructure } from './plain-structure.js';
import type { ChunkSize } from './split-span.js';

jest.setTimeout(60_000);

const small: ChunkSize = { target: 40, longest: 70 };
const chunkMarkdown = (text: string, size: ChunkSize = chunkSize): Chunk[] =>
  chunkText(text, markdownStructure(text, size.longest), size);
const texts = (text: string, chunks: readonly Chunk[]): string[] =>
  chunks.map(({ start, end }) => text.slice(start, end));

/** Pieces that documents are made of, hostile ones included. */
const piece = fc.oneof(
  fc.constantFrom(
    '# Title\n',
    '## Part\n\n',
    'Setext\n===\n',
    '- item one\n- item two\n',
    '> quoted\n',
    '```js\nlet a = 1;\n```\n',
  ),
  fc.constantFrom(
    '| a | b |\n|---|---|\n| 1 | 2 |\n',
    '\n\n',
    '\n',
    '    code\n',
    '***\n',
    '[a]: https://example.org\n',
    '<div>\n',
    '\t',
  ),
  fc.constantFrom(
    '👩‍👩‍👧‍👦',
    '🏳️‍🌈',
    'é',
    '漢字かな交じり文。',
    'שלום עולם. ',
    'مرحبا بالعالم. ',
    '\u2028',
    '\u00a0',
    '1. one\n   - two\n',
  ),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.lorem({ maxCount: 3, mode: 'sentences' }),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const document = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('').toWellFormed());

function expectInvariants(text: string, chunks: readonly Chunk[], size: ChunkSize): void {
  let reached = 0;
  for (const { start, end } of chunks) {
    expect(start).toBeGreaterThanOrEqual(reached);
    expect(end).toBeGreaterThan(start);
    expect(end - start).toBeLessThanOrEqual(size.longest);
    expect(text.slice(reached, start).trim()).toBe('');
    const slice = text.slice(start, end);
    expect(slice).toBe(slice.trim());
    expect(slice.isWellFormed()).toBe(true);
    reached = end;
  }
  expect(text.slice(reached).trim()).toBe('');
}

describe('chunks', () => {
  it('are disjoint, in order, short enough and cover every Markdown text', () => {
    fc.assert(
      fc.property(document, (text) => expectInvariants(text, chunkMarkdown(text, small), small)),
      { numRuns: 300 },
    );
  });

  it('hold for plain text too', () => {
    const check = (text: string) => expectInvariants(text, chunkText(text, plainStructure(text), small), small);
    fc.assert(fc.property(document, check), { numRuns: 300 });
  });

  it('never cut inside an emoji, wherever the border falls', () => {
    const family = '👩‍👩‍👧‍👦';
    for (let offset = 0; offset < 12; offset += 1) {
      const text = 'x'.repeat(offset) + family.repeat(60);
      for (const part of texts(text, chunkMarkdown(text, small))) {
        expect(part.replace(/^x+/, '').replaceAll(family, '')).toBe('');
      }
    }
  });

  it('know the headings above them', () => {
    const body = 'Words about it. '.repeat(30);
    const text = `# Guide\n\n${body}\n\n## Setup\n\n${body}\n\n### On *Linux*\n\n${body}\n\n## Use\n\n${body}`;
    expect(chunkMarkdown(text).map(({ headings }) => headings)).toEqual([
      ['Guide'],
      ['Guide', 'Setup'],
      ['Guide', 'Setup', 'On Linux'],
      ['Guide', 'Use'],
    ]);
  });

  it('keep a heading with the text that follows it', () => {
    const text = `${'First part. '.repeat(70)}\n\n## Next\n\n${'Second part. '.repeat(60)}`;
    expect(texts(text, chunkMarkdown(text)).map((part) => part.slice(0, 7))).toEqual(['First p', '## Next']);
  });

  it('keep a table and a code block whole', () => {
    const table = `| key | value |\n|---|---|\n${'| name | something |\n'.repeat(40)}`.trim();
    const code = `\`\`\`ts\n${'const one = 1;\n\n'.repeat(50)}\`\`\``;
    const prose = 'A sentence between the two of them. '.repeat(20).trim();
    const text = `${prose}\n\n${table}\n\n${prose}\n\n${code}\n\n${prose}`;
    expect(texts(text, chunkMarkdown(text))).toEqual([prose, table, prose, code, prose]);
  });

  it('put short sections together, and split long prose between sentences', () => {
    const short = '## One\n\nFew words.\n\n## Two\n\nFew more.';
    expect(chunkMarkdown(short)).toHaveLength(1);
    const long = 'This sentence says one thing, e.g. that it is here. '.repeat(80);
    for (const part of texts(long, chunkMarkdown(long))) expect(part).toMatch(/^This .*here\.$/s);
  });

  it('leave front matter out and headings in code alone', () => {
    const text = '---\ntitle: Hidden\n---\n\n# Shown\n\n```sh\n# no heading\n```\n';
    const chunks = chunkMarkdown(text);
    expect(texts(text, chunks)).toEqual(['# Shown\n\n```sh\n# no heading\n```']);
    expect(chunks[0]?.headings).toEqual(['Shown']);
    const toml = '+++\ntitle = "Hidden"\n+++\n\nShown.';
    expect(texts(toml, chunkMarkdown(toml))).toEqual(['Shown.']);
  });

  it('are none for an empty or blank text', () => {
    for (const text of ['', ' \n\t\n', '---\ntitle: x\n---\n']) expect(chunkMarkdown(text)).toEqual([]);
  });

  it('cope with one line of a million characters, with and without blanks', () => {
    for (const text of ['word and more. '.repeat(70_000), 'a'.repeat(1_000_000), '🙂'.repeat(500_000)]) {
      expectInvariants(text, chunkMarkdown(text), chunkSize);
    }
  });

  it('cope with ten thousand headings', () => {
    const text = Array.from({ length: 10_000 }, (_, index) => `## Heading ${index}`).join('\n');
    expectInvariants(text, chunkMarkdown(text), chunkSize);
  });
});
