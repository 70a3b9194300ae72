import { describe, expect, it } from '@jest/globals';
import { validateGraph } from '@millrace/workflow';
import fc from 'fast-check';
import { chaosGraphs } from './graphs.js';
import { loadOf } from './plan.js';

const anyLoad = fc.record({
  seed: fc.integer(),
  size: fc.record({ runs: fc.integer({ min: 0, max: 300 }), overMs: fc.integer({ min: 0, max: 100_000 }) }),
});

describe('loadOf', () => {
  it('is decided by the seed, has its size, and stays inside its time', () => {
    fc.assert(
      fc.property(anyLoad, ({ seed, size }) => {
        const load = loadOf(seed, size);
        expect(load).toEqual(loadOf(seed, size));
        expect(load.map(({ index }) => index)).toEqual([...Array(size.runs).keys()]);
        for (const { atMs } of load) expect(atMs >= 0 && atMs <= size.overMs).toBe(true);
        expect(load.map(({ atMs }) => atMs)).toEqual(load.map(({ atMs }) => atMs).sort((a, b) => a - b));
      }),
    );
  });

  it('has every graph and every way of the client in 200 runs', () => {
    const load = loadOf(1, { runs: 200, overMs: 1_000 });
    expect(new Set(load.map(({ graph }) => graph)).size).toBe(10);
    expect(new Set(load.map(({ key }) => key)).size).toBe(5);
    expect(new Set(load.map(({ follow }) => follow)).size).toBe(3);
    expect(load.some(({ cancelAfterMs }) => cancelAfterMs !== null)).toBe(true);
  });
});

describe('the graphs of the load', () => {
  it.each(chaosGraphs.map((graph) => [graph.name, graph.document] as const))('%s is valid', (_name, document) => {
    expect(validateGraph(document)).not.toHaveProperty('violations');
  });
});
