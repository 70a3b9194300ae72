import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { DocumentPreparation, largestDocument } from './document-preparation.js';

const preparation = new DocumentPreparation({ threads: 1, timeoutMs: 60_000, heapMb: 512 });
const prepare = (source: string, content: string | Uint8Array) =>
  preparation.prepare({ source, bytes: typeof content === 'string' ? Buffer.from(content) : content });

afterAll(() => preparation.onApplicationShutdown());

jest.setTimeout(60_000);

describe('a prepared document', () => {
  it('has a title, a text and chunks that are slices of it', async () => {
    const { title, mediaType, text, chunks } = await prepare('guide.md', '\ufeff# The *guide*\r\n\r\nIt helps.\r\n');
    expect({ title, mediaType, text }).toEqual({
      title: 'The guide',
      mediaType: 'text/markdown',
      text: '# The *guide*\n\nIt helps.\n',
    });
    expect(chunks).toMatchObject([{ start: 0, end: 24, headings: ['The guide'] }]);
    expect(Object.fromEntries(chunks[0]?.terms.map((term, at) => [term, chunks[0]?.frequencies[at]]) ?? [])).toEqual({
      guid: 2,
      help: 1,
    });
  });

  it('is called by its first heading, else its own title, else its file name', async () => {
    expect((await prepare('a/notes.txt', 'Words.')).title).toBe('notes.txt');
    expect((await prepare('a.html', '<title>Named</title><p>Words.')).title).toBe('Named');
    expect((await prepare('a.html', '<title>Named</title><h2>Headed</h2><p>Words.')).title).toBe('Headed');
  });

  it('can be in any script', async () => {
    for (const text of ['消息队列保证传递。'.repeat(300), 'שלום עולם. '.repeat(300), 'สวัสดีชาวโลก '.repeat(300)]) {
      const { chunks } = await prepare('words.txt', text);
      expect(chunks.length).toBeGreaterThan(1);
      for (const { terms } of chunks) expect(terms.length).toBeGreaterThan(0);
    }
  });

  it.each([
    ['blank.md', ' \n\n', 'empty_document', 'invalid'],
    ['program.md', Buffer.from([1, 0, 2]), 'unsupported_content', 'unsupported'],
    ['half.pdf', '%PDF-1.4\n1 0 obj', 'unreadable_pdf', 'invalid'],
    ['bomb.html', '<b>'.repeat(100_000), 'document_too_complex', 'invalid'],
    ['huge.txt', new Uint8Array(largestDocument + 1), 'document_too_large', 'too-large'],
  ])('is not made of %s', async (source, content, code, kind) => {
    const attempt = prepare(source, content);
    await expect(attempt).rejects.toMatchObject({ code, kind, retryable: false });
    await expect(attempt).rejects.toThrow(source);
  });

  it('may have a hundred thousand headings', async () => {
    const { chunks } = await prepare('headings.md', '# heading\n'.repeat(100_000));
    expect(chunks.length).toBeGreaterThan(100);
  });
});

describe('the limits of preparation', () => {
  const nestedQuotes = `${'>'.repeat(200_000)} x`;

  it('end a document that would take minutes, and the next one is prepared as ever', async () => {
    const strict = new DocumentPreparation({ threads: 1, timeoutMs: 5_000, heapMb: 512 });
    try {
      const attempt = strict.prepare({ source: 'quotes.md', bytes: Buffer.from(nestedQuotes) });
      await expect(attempt).rejects.toMatchObject({ code: 'document_too_complex', kind: 'invalid' });
      expect((await strict.prepare({ source: 'good.txt', bytes: Buffer.from('Fine.') })).text).toBe('Fine.');
    } finally {
      await strict.onApplicationShutdown();
    }
  });

  it('end a document that would take all memory', async () => {
    const small = new DocumentPreparation({ threads: 1, timeoutMs: 60_000, heapMb: 32 });
    try {
      const attempt = small.prepare({ source: 'many.md', bytes: Buffer.from('- a\n'.repeat(190_000)) });
      await expect(attempt).rejects.toMatchObject({ code: 'document_too_complex' });
      const next = await small.prepare({ source: 'good.md', bytes: Buffer.from('Fine.') });
      expect(next.text).toBe('Fine.');
    } finally {
      await small.onApplicationShutdown();
    }
  });
});
