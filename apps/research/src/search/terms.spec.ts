import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseQuery } from './query.js';
import { termsOf } from './terms.js';

describe('terms', () => {
  it.each([
    ['The brokers are delivering messages', ['broker', 'deliv', 'messag']],
    ["The broker's queue, the users' queues", ['broker', 'queue', 'user', 'queue']],
    ['at-least-once exactly_once HTTP/2', ['least', 'onc', 'exactli', 'onc', 'http', '2']],
    ['Café naïve résumé', ['cafe', 'naiv', 'resum']],
    ['Straße ΣΊΣΥΦΟΣ Ёлка', ['straße', 'σισυφος', 'елка']],
    ['消息队列', ['消息', '息队', '队列']],
    ['ナイーブ検索 2.0', ['ナイ', 'イー', 'ーブ', 'ブ検', '検索', '2', '0']],
    ['메시지 큐', ['메시', '시지', '큐']],
    ['שלום עולם', ['שלום', 'עולם']],
    ['हिन्दी भाषा', ['हिन्दी', 'भाषा']],
    ['🙂 — … !!', []],
    ['the of and', []],
  ])('of %j are %j', (text, terms) => {
    expect(termsOf(text)).toEqual(terms);
  });

  it('segment Thai by its dictionary', () => {
    expect(termsOf('ภาษาไทยง่าย')).toEqual(['ภาษา', 'ไทย', 'ง่าย']);
  });

  it('are the same for composed and decomposed text, and for capitals', () => {
    const same = (text: string) => expect(termsOf(text.normalize('NFD'))).toEqual(termsOf(text.normalize('NFC')));
    for (const text of ['Ärger über Übermut', 'École', 'Ångström', 'Việt Nam']) {
      same(text);
      expect(termsOf(text.toUpperCase())).toEqual(termsOf(text));
    }
  });

  it('are never empty, never long, and always well formed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        for (const term of termsOf(text)) {
          expect(term.length).toBeGreaterThan(0);
          expect(term.length).toBeLessThanOrEqual(200);
          expect(term.isWellFormed()).toBe(true);
        }
      }),
    );
    expect(termsOf('a'.repeat(5000))).toEqual(['a'.repeat(64)]);
  });
});

describe('a query', () => {
  it('knows its topic from its phrasing', () => {
    expect([...parseQuery('How does it survive a crash?').topic]).toEqual(['surviv', 'crash']);
    expect([...parseQuery('the best introduction to pasta recipes').topic]).toEqual(['pasta', 'recip']);
  });

  it('that is nothing but phrasing is its own topic', () => {
    expect([...parseQuery('How does it work?').topic]).toEqual(['how', 'doe', 'work']);
  });

  it('keeps how often a word is said', () => {
    expect(parseQuery('queue of queues').terms).toEqual(new Map([['queue', 2]]));
  });
});
