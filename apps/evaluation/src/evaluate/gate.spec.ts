import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decideGate, scored, unscorable } from './gate.js';

const weighted = fc.record({
  name: fc.string({ minLength: 1 }),
  weight: fc.double({ min: 0.1, max: 5, noNaN: true }),
  score: fc.double({ min: 0, max: 1, noNaN: true }),
});

describe('decideGate', () => {
  it('never passes when a score is missing', () => {
    fc.assert(
      fc.property(fc.array(weighted), fc.nat(10), (checks, position) => {
        const all = checks.map(({ name, weight, score }) => ({ name, weight, check: scored(score, []) }));
        all.splice(position % (all.length + 1), 0, { name: 'missing', weight: 1, check: unscorable('crashed') });
        expect(decideGate(all, 0)).toMatchObject({ score: null, passed: false });
      }),
    );
  });

  it('never passes without any check', () => {
    expect(decideGate([], 0)).toMatchObject({ score: null, passed: false });
  });

  it('gives a mean between the lowest and the highest score', () => {
    fc.assert(
      fc.property(fc.array(weighted, { minLength: 1 }), (checks) => {
        const { score } = decideGate(
          checks.map(({ name, weight, score: own }) => ({ name, weight, check: scored(own, []) })),
          0,
        );
        const scores = checks.map((check) => check.score);
        expect(score).toBeGreaterThanOrEqual(Math.min(...scores) - 1e-9);
        expect(score).toBeLessThanOrEqual(Math.max(...scores) + 1e-9);
      }),
    );
  });

  it('stays shut while a check is under its own minimum', () => {
    const checks = [
      { name: 'citations', weight: 1, minimum: 1, check: scored(0.9, []) },
      { name: 'structure', weight: 9, check: scored(1, []) },
    ];
    expect(decideGate(checks, 0.5)).toMatchObject({ score: 0.99, passed: false });
  });

  it('treats a score that is not a number as missing', () => {
    expect(
      decideGate([{ name: 'broken', weight: 1, check: { score: Number.NaN, confidence: 'high', reasons: [] } }], 0),
    ).toMatchObject({
      score: null,
      passed: false,
    });
  });
});
