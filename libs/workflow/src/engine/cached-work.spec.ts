import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import { validateGraph } from '../document/validate.js';
import { graphOf, TestRun, tool } from '../testing/test-run.js';

function cachedOf(rest: JsonObject, input: JsonObject = {}) {
  const run = new TestRun(graphOf([tool('x', rest)]));
  run.start(input);
  return run.tasks()[0]?.cached;
}
const ask = (of: string): JsonObject => ({ with: { tool: 'echo', arguments: { of } } });

describe('the name of cached work', () => {
  it('is its kind and its input, where no key is stated', () => {
    const cache = { cache: { ttl: '1h' } };
    expect(cachedOf({ ...cache, ...ask('a') })).toEqual(cachedOf({ ...cache, ...ask('a') }));
    expect(cachedOf({ ...cache, ...ask('a') })?.key).not.toBe(cachedOf({ ...cache, ...ask('b') })?.key);
    expect(cachedOf(cache)).toMatchObject({ key: expect.stringMatching(/^[0-9a-f]{64}$/), ttlMs: 3_600_000 });
    expect(cachedOf({})).toBeUndefined();
  });

  it('is its kind and its key, where one is stated', () => {
    const cache = { cache: { key: '${{ input.of }}', ttl: '1h' } };
    expect(cachedOf({ ...cache, ...ask('a') }, { of: 'k' })).toEqual(cachedOf({ ...cache, ...ask('b') }, { of: 'k' }));
    expect(cachedOf(cache, { of: 'k' })?.key).not.toBe(cachedOf(cache, { of: 'l' })?.key);
  });

  it.each(['', 'x'.repeat(1_001)])('is refused when a run makes %j of it', (of) => {
    const run = new TestRun(graphOf([tool('x', { cache: { key: '${{ input.of }}', ttl: '1h' } })]));
    run.start({ of });
    expect(run.view().error).toMatchObject({ code: 'invalid_cache_key', node: 'x' });
  });

  it.each<[JsonObject, string]>([
    [{ cache: {} }, '/nodes/0/cache/ttl'],
    [{ cache: { ttl: '0s' } }, '/nodes/0/cache/ttl'],
    [{ cache: { ttl: '400d' } }, '/nodes/0/cache/ttl'],
    [{ cache: { ttl: '1h', key: '${{ 1 }}' } }, '/nodes/0/cache/key'],
    [{ cache: { ttl: '1h' }, timeout: { total: '1h' }, effect: {} }, '/nodes/0/cache'],
  ])('is refused in a graph with %j', (rest, pointer) => {
    expect(validateGraph(graphOf([tool('x', rest)]))).toMatchObject({ violations: [{ pointer }] });
  });
});
