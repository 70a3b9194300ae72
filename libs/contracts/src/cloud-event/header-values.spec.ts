import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeHeaderValue, encodeHeaderValue } from './header-values.js';

const wellFormed = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed());

describe('values of headers', () => {
  it('come back as they were, whatever they hold', () => {
    fc.assert(fc.property(wellFormed, (text) => expect(decodeHeaderValue(encodeHeaderValue(text))).toBe(text)));
  });

  it('are printable ASCII without blanks and quotes, so that no header can begin in them', () => {
    fc.assert(fc.property(wellFormed, (text) => expect(encodeHeaderValue(text)).toMatch(/^[!#-~]*$/)));
  });

  it('are written as the binding says', () => {
    expect(encodeHeaderValue('Euro € 😀')).toBe('Euro%20%E2%82%AC%20%F0%9F%98%80');
    expect(encodeHeaderValue('100%"\r\n')).toBe('100%25%22%0D%0A');
    expect(encodeHeaderValue("/plain~!#$&'()*+,-./:;<=>?@[]^_`{|}")).toBe("/plain~!#$&'()*+,-./:;<=>?@[]^_`{|}");
  });

  it('are read as other producers write them', () => {
    expect(decodeHeaderValue('Euro%20%e2%82%ac')).toBe('Euro €');
    expect(decodeHeaderValue('%41 plain, 5% of it')).toBe('A plain, 5% of it');
    expect(decodeHeaderValue('"quoted \\"value\\""')).toBe('quoted "value"');
  });

  it.each(['%C0%A0', '%FF', '%E2%82'])('are refused where they are no UTF-8: %s', (value) => {
    expect(() => decodeHeaderValue(value)).toThrow(expect.objectContaining({ code: 'invalid_attribute' }));
  });
});
