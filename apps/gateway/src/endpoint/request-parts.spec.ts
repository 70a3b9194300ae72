import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import fc from 'fast-check';
import { z } from 'zod';
import { sourceNameOf } from '../collections/source-name.js';
import { preferredWait } from '../runs/prefer.js';
import { parseStreamId, streamIdOf } from '../stream/stream-position.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { parseJsonBody } from './json-body.js';
import { textFieldReader } from './text-fields.js';

/** Either a value or an expected refusal: never any other failure. */
function orRefused<Value>(work: () => Value): Value | 'refused' {
  try {
    return work();
  } catch (error) {
    if (error instanceof MillraceError && error.kind === 'invalid') return 'refused';
    throw error;
  }
}

function refusalOf(work: () => unknown): MillraceError {
  try {
    work();
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error('It was not refused.');
}

describe('query parameters', () => {
  const schema = z.strictObject({
    limit: z.int().min(1).default(5),
    all: z.boolean().optional(),
    name: z.string().optional(),
  });
  const read = textFieldReader(schema);

  it('become what their schema says, and text stays text', () => {
    expect(read({ limit: '7', all: 'true', name: '7' })).toEqual({ limit: 7, all: true, name: '7' });
  });

  it.each(['', ' 7', '7x', '0x7', '1e3', 'Infinity', 'NaN', '٧'])('stay text where %j is no number', (limit) => {
    expect(read({ limit })).toEqual({ limit });
    expect(schema.safeParse(read({ limit })).success).toBe(false);
  });
});

describe('Prefer', () => {
  it.each([
    [undefined, null],
    ['', null],
    ['respond-async', null],
    ['wait=10', 10],
    ['respond-async, WAIT = "7"; x=y, wait=9', 7],
    ['wait=3600', 60],
    ['wait=0', 0],
    ['waiting=5', null],
  ])('%j asks for %j', (header, seconds) => {
    expect(preferredWait(header)).toBe(seconds);
  });

  it('never waits longer than a minute, whatever it says', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const seconds = orRefused(() => preferredWait(`wait=${header}`));
        expect(seconds === 'refused' || seconds === null || (seconds >= 0 && seconds <= 60)).toBe(true);
      }),
    );
  });
});

describe('stream ids', () => {
  const position = fc.record({ event: fc.nat(), token: fc.nat() });

  it('come back as they went', () => {
    fc.assert(fc.property(position, (at) => expect(parseStreamId(streamIdOf(at))).toEqual(at)));
  });

  it('are refused unless they could be ours', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = orRefused(() => parseStreamId(text));
        expect(parsed === 'refused' || streamIdOf(parsed) === text).toBe(true);
      }),
    );
  });
});

describe('cursors', () => {
  it('come back as they went, and other text is refused', () => {
    fc.assert(
      fc.property(fc.nat(), fc.string(), (after, text) => {
        expect(decodeCursor(encodeCursor({ after }))).toEqual({ after });
        orRefused(() => decodeCursor(text));
      }),
    );
  });

  it('are refused with a text that no row can have', () => {
    expect(() => decodeCursor(encodeCursor({ id: 'a\u0000' }))).toThrow('This cursor is none of ours');
  });
});

describe('JSON bodies', () => {
  it('come through as they are', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        const parsed = orRefused(() => parseJsonBody(text));
        if (parsed !== 'refused') expect(JSON.stringify(parsed)).toBe(text);
      }),
    );
  });

  it('are refused with the place of each text that cannot be stored as it is', () => {
    const body = { 'a/b': ['fine', 'nul \u0000'], note: 'half \ud83d', whole: '\ud83d\ude00', deep: { 'x\u0000': 1 } };
    const refusal = refusalOf(() => parseJsonBody(JSON.stringify(body)));
    expect(refusal.code).toBe('invalid_body');
    expect(refusal.message).toContain('mistakes: /a~1b/1: holds the character U+0000');
    expect(refusal.violations).toEqual([
      { pointer: '/a~1b/1', message: expect.stringContaining('U+0000') },
      { pointer: '/note', message: expect.stringContaining('surrogate') },
      { pointer: '/deep/x\u0000', message: expect.stringContaining('has a name that holds') },
    ]);
    expect(refusalOf(() => parseJsonBody('"\\u0000"')).violations[0]?.pointer).toBe('');
    const many = JSON.stringify(Array.from({ length: 1_000 }, () => '\u0000'));
    expect(refusalOf(() => parseJsonBody(many)).violations).toHaveLength(50);
  });

  it('come through whatever well-formed text they hold, and only that', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('', '\u0000', '\ud800', '\udfff'), (text, flaw) => {
        const value = { text: `${text.replaceAll('\u0000', '')}${flaw}` };
        const parsed = orRefused(() => parseJsonBody(JSON.stringify(value)));
        expect(parsed).toEqual(flaw === '' ? value : 'refused');
      }),
    );
  });

  it('are refused, never fatal, however deep', () => {
    for (const depth of [101, 10_000, 500_000]) {
      expect(() => parseJsonBody('['.repeat(depth) + ']'.repeat(depth))).toThrow('nests deeper');
      expect(() => parseJsonBody('{"a":'.repeat(depth) + '1' + '}'.repeat(depth))).toThrow('nests deeper');
    }
    expect(parseJsonBody('['.repeat(100) + ']'.repeat(100))).toBeDefined();
  });
});

describe('names of documents', () => {
  it('never lead out of a folder', () => {
    const part = fc.constantFrom('..', '.', '', 'a', 'ü', '\\', '/', 'C:', '\u0000', ' ');
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const source = orRefused(() => sourceNameOf(parts.join('/')));
        if (source === 'refused') return;
        expect(source.startsWith('/')).toBe(false);
        expect(source.split('/')).not.toContain('..');
      }),
    );
  });
});
