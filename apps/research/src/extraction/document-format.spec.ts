import { describe, expect, it } from '@jest/globals';
import { decodeText } from './decode-text.js';
import { fileNameOf, formatOf } from './document-format.js';
import { normaliseText } from './normalise-text.js';

const text = Buffer.from('Plain words.');
const unsupported = expect.objectContaining({ code: 'unsupported_content' }) as unknown as Error;

describe('the format of a document', () => {
  it.each([
    ['guide.md', undefined, text, 'markdown'],
    ['GUIDE.MARKDOWN', undefined, text, 'markdown'],
    ['notes.txt', undefined, text, 'text'],
    ['README', undefined, text, 'text'],
    ['index', undefined, Buffer.from('\n<!DOCTYPE HTML><p>x'), 'html'],
    ['https://example.org/a/page.html?x=1.md#top', undefined, text, 'html'],
    ['page.php', 'text/html; charset=utf-8', text, 'html'],
    ['guide.md', 'text/plain', text, 'markdown'],
    ['guide.md', 'application/octet-stream', text, 'markdown'],
    ['guide.md', 'not a media type', text, 'markdown'],
    ['report.txt', undefined, Buffer.from('%PDF-1.7'), 'pdf'],
    ['.md', undefined, text, 'text'],
  ] as const)('%s as %s', (source, mediaType, bytes, format) => {
    expect(formatOf({ source, mediaType, bytes })).toBe(format);
  });

  it.each([
    ['sheet.xlsx', undefined],
    ['photo.png', undefined],
    ['guide.md', 'image/png'],
  ])('%s as %s is not supported', (source, mediaType) => {
    expect(() => formatOf({ source, mediaType, bytes: text })).toThrow(unsupported);
    expect(() => formatOf({ source, mediaType, bytes: text })).toThrow(source);
  });

  it('takes the name from a path or an address', () => {
    expect(fileNameOf('a/b/c.md')).toBe('c.md');
    expect(fileNameOf(String.raw`a\b\c.md`)).toBe('c.md');
    expect(fileNameOf('https://example.org/a/b.html?x=y/z')).toBe('b.html');
    expect(fileNameOf('/')).toBe('/');
  });
});

describe('text', () => {
  const decoded = (bytes: Uint8Array, mediaType?: string): string => decodeText({ source: 'a.md', bytes, mediaType });

  it('is UTF-8, or UTF-16 with a mark, or what its media type says', () => {
    expect(decoded(Buffer.from('\ufeffé🙂'))).toBe('é🙂');
    expect(decoded(Buffer.from('\ufeffé🙂', 'utf16le'))).toBe('é🙂');
    expect(decoded(Buffer.from('\ufeffé🙂', 'utf16le').swap16())).toBe('é🙂');
    expect(decoded(Buffer.from('é', 'latin1'), 'text/plain; charset=latin1')).toBe('é');
  });

  it.each([
    ['a program', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0])],
    ['a picture', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
    ['half a letter', Buffer.from('é').subarray(0, 1)],
    ['half of UTF-16', Buffer.from('\ufeffé', 'utf16le').subarray(0, 3)],
    ['NUL among letters', Buffer.from('a\0b')],
  ])('is not %s', (_name, bytes) => {
    expect(() => decoded(bytes)).toThrow(unsupported);
    expect(() => decoded(bytes)).toThrow('a.md');
  });

  it('has one kind of line end, one Unicode form, and nothing that a database refuses', () => {
    expect(normaliseText('\ufeffa\r\nb\rc\0d\ud800 e\u0301')).toBe('a\nb\ncd\ufffd é');
  });
});
