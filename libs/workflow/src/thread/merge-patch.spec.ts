import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import fc from 'fast-check';
import { limits } from '../limits.js';
import { mergePatch, patchedState } from './merge-patch.js';

const parsed = (text: string) => JSON.parse(text) as JsonObject;

/** RFC 7396, appendix A, as far as both sides are objects. */
const cases: [target: string, patch: string, result: string][] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', '{}'],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];

const objects = fc.dictionary(
  fc.constantFrom('a', 'b', '__proto__', 'constructor'),
  fc.jsonValue(),
) as fc.Arbitrary<JsonObject>;

describe('a merge patch', () => {
  it.each(cases)('makes of %s with %s %s', (target, patch, result) => {
    expect(mergePatch(parsed(target), parsed(patch))).toEqual(parsed(result));
  });

  it('changes neither side, the same again changes nothing, and holds no null that the target did not', () => {
    fc.assert(
      fc.property(objects, objects, (target, patch) => {
        const before = JSON.stringify([target, patch]);
        const once = mergePatch(target, patch);
        expect(JSON.stringify([target, patch])).toBe(before);
        expect(mergePatch(once, patch)).toEqual(once);
        expect(hasNull(mergePatch({}, patch))).toBe(false);
        expect(mergePatch(target, {})).toEqual(target);
      }),
    );
  });

  it('reaches no prototype', () => {
    const merged = mergePatch({}, parsed('{"__proto__": {"admin": true}}'));
    expect((merged as { admin?: boolean }).admin).toBeUndefined();
    expect(Object.keys(merged)).toEqual(['__proto__']);
  });
});

/** Of an object; what stands in lists is taken as it is. */
const hasNull = (value: JsonValue): boolean =>
  value === null ||
  (typeof value === 'object' && !Array.isArray(value) && Object.values(value).some((field) => hasNull(field)));

describe('the state of a thread', () => {
  it('is bounded in size and depth, and holds what can be stored', () => {
    const deep = (levels: number): JsonObject => (levels === 1 ? { x: 1 } : { x: deep(levels - 1) });
    expect(patchedState({}, deep(limits.threadStateDepth - 1))).toEqual(deep(limits.threadStateDepth - 1));
    expect(() => patchedState({}, deep(limits.threadStateDepth))).toThrow(/levels deep/);
    const full = { x: 'y'.repeat(limits.threadStateBytes - '{"x":""}'.length) };
    expect(patchedState({}, full)).toEqual(full);
    expect(() => patchedState(full, { y: 1 })).toThrow(/at most 262144 are kept/);
    expect(patchedState({ ...full, more: 1 }, { more: null })).toEqual(full);
    expect(() => patchedState({}, { x: 'é'.repeat(limits.threadStateBytes / 2) })).toThrow(/would take/);
    for (const hostile of [{ x: '\u0000' }, { '\u0000': 1 }, { x: ['\ud800'] }] as JsonObject[])
      expect(() => patchedState({}, hostile)).toThrow(/holds a text with/);
    let endless: JsonValue = [];
    for (let level = 0; level < 100_000; level += 1) endless = [endless];
    expect(() => patchedState({}, { x: endless })).toThrow(/levels deep/);
  });
});
