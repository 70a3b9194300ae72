import { describe, expect, it } from '@jest/globals';
import { newId, sha256Hex } from './ids.js';

describe('newId', () => {
  it('sorts by the time of its making and never repeats', () => {
    const ids = Array.from({ length: 2_000 }, () => newId('run'));
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids[0]).toMatch(/^run_[0-9a-f]{32}$/);
  });
});

describe('sha256Hex', () => {
  it('hashes a text as its UTF-8 bytes', () => {
    // The test vector of FIPS 180-4 for "abc".
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(sha256Hex('ü')).toBe(sha256Hex(new Uint8Array([0xc3, 0xbc])));
  });
});
