import { afterAll, describe, expect, it } from '@jest/globals';
import { GgufWriter, tinyGguf } from '@millrace/testing';
import fc from 'fast-check';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectGguf } from './gguf-file.js';
import { WrongGguf } from './gguf-header.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-gguf-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tiny = tinyGguf();
const stored = (bytes: Buffer, name = 'model.gguf'): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
const problemOf = (path: string): string => {
  try {
    inspectGguf(path);
  } catch (error) {
    expect(error).toBeInstanceOf(WrongGguf);
    return (error as Error).message;
  }
  return 'nothing';
};
/** The first bytes of a file that announces so many tensors and values. */
const announcing = (tensors: bigint, values: bigint, ...rest: Buffer[]): Buffer => {
  const counts = Buffer.alloc(24);
  counts.write('GGUF');
  counts.writeUInt32LE(3, 4);
  counts.writeBigUInt64LE(tensors, 8);
  counts.writeBigUInt64LE(values, 16);
  return Buffer.concat([counts, ...rest]);
};
const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const key = Buffer.concat([u64(1n), Buffer.from('k')]);
const huge = 2n ** 63n;

describe('a GGUF file', () => {
  it('is known by its name and its size', () => {
    const file = inspectGguf(stored(tiny, 'Qwen3 4B (Q4_K_M).gguf'));
    expect(file).toMatchObject({ model: 'Qwen3-4B-Q4_K_M-', bytes: tiny.length });
  });

  it('is refused when it is not there, or is no file', () => {
    expect(problemOf(join(folder, 'none.gguf'))).toMatch(/not there/);
    mkdirSync(join(folder, 'a-folder'));
    expect(problemOf(join(folder, 'a-folder'))).toMatch(/is no file/);
  });

  it.each([
    ['an empty file', Buffer.alloc(0), /does not begin with the letters GGUF/],
    ['text', Buffer.from('{"model": "llama"}'), /does not begin with the letters GGUF/],
    ['an older version', Buffer.concat([Buffer.from('GGUF'), u32(1), u64(0n), u64(0n)]), /version 1/],
    ['the other order of bytes', Buffer.concat([Buffer.from('GGUF'), Buffer.from([0, 0, 0, 3])]), /version 50331648/],
    ['more tensors than there are', announcing(huge, 0n), /announces/],
    ['more values than there are', announcing(1n, huge), /cut off/],
    ['a name without an end', announcing(1n, 1n, u64(huge)), /too long/],
    ['a text without an end', announcing(1n, 1n, key, u32(8), u64(huge)), /cut off/],
    ['a list without an end', announcing(1n, 1n, key, u32(9), u32(4), u64(huge)), /cut off/],
    ['a list of texts without an end', announcing(1n, 1n, key, u32(9), u32(8), u64(huge)), /cut off/],
    ['a value of no type', announcing(1n, 1n, key, u32(77)), /type 77/],
    [
      'lists in lists in lists',
      announcing(1n, 1n, key, u32(9), ...Array.from({ length: 50 }, () => Buffer.concat([u32(9), u64(1n)]))),
      /type 9/,
    ],
    ['a tensor of too many dimensions', announcing(1n, 0n, key, u32(2_000_000_000)), /dimensions/],
    ['no tensors', new GgufWriter().text('general.architecture', 'llama').bytes(), /holds no model/],
    ['no architecture', new GgufWriter().tensor('t', [1], new Float32Array(1)).bytes(), /holds no model/],
    [
      'a projector of images',
      new GgufWriter().text('general.architecture', 'clip').tensor('t', [1], new Float32Array(1)).bytes(),
      /no language model/,
    ],
  ])('is refused when it is %s', (_, bytes, problem) => {
    expect(problemOf(stored(bytes))).toMatch(problem);
  });

  it('is refused wherever it was cut off', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: tiny.length - 1 }), (length) => {
        expect(problemOf(stored(tiny.subarray(0, length)))).toMatch(/cut off|does not begin/);
      }),
      { numRuns: 50, examples: [[tiny.length - 1], [24], [3]] },
    );
  });

  it('is refused with a sentence, and never otherwise, whatever was written over it', () => {
    const header = 2_000;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: header }), fc.uint8Array({ minLength: 1, maxLength: 16 }), (at, noise) => {
        const bytes = Buffer.from(tiny);
        bytes.set(noise, at);
        problemOf(stored(bytes));
      }),
      { numRuns: 200 },
    );
  });

  it('may be larger than this process could read', () => {
    const path = stored(tiny, 'large.gguf');
    truncateSync(path, 64 * 2 ** 30);
    expect(inspectGguf(path).bytes).toBe(64 * 2 ** 30);
  });
});
