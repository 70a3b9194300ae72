import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { orderTargets, type TargetState } from './order-targets.js';

const target = (state: Partial<TargetState> = {}): TargetState => ({
  isAvailable: true,
  weight: 1,
  load: 0,
  price: 0,
  firstTokenMs: null,
  ...state,
});
const targets = fc.array(
  fc.record({
    isAvailable: fc.boolean(),
    weight: fc.double({ min: 0.01, max: 1_000, noNaN: true }),
    load: fc.double({ min: 0, max: 1, noNaN: true }),
    price: fc.double({ min: 0, max: 100, noNaN: true }),
    firstTokenMs: fc.option(fc.nat(60_000)),
  }),
);
const strategies = ['weighted', 'least-loaded', 'cheapest', 'fastest'] as const;
const random = fc.infiniteStream(fc.double({ min: 0, max: 0.999_999, noNaN: true }));

const drawn = (numbers: { next(): IteratorResult<number, unknown> }): number => Number(numbers.next().value);

describe('the order of targets', () => {
  it('holds each that is available once, and no other', () => {
    fc.assert(
      fc.property(fc.constantFrom(...strategies), targets, random, (strategy, states, numbers) => {
        const order = orderTargets(strategy, states, () => drawn(numbers));
        const available = states.flatMap(({ isAvailable }, index) => (isAvailable ? [index] : []));
        expect([...order].sort((left, right) => left - right)).toEqual(available);
      }),
    );
  });

  it('goes by load, price or speed, the unknown first', () => {
    fc.assert(
      fc.property(targets, random, (states, numbers) => {
        const by = (strategy: (typeof strategies)[number], rank: (state: TargetState) => number) => {
          const ranks = orderTargets(strategy, states, () => drawn(numbers)).map((index) =>
            rank(states[index] ?? target()),
          );
          expect(ranks).toEqual([...ranks].sort((left, right) => left - right));
        };
        by('least-loaded', ({ load }) => load);
        by('cheapest', ({ price }) => price);
        by('fastest', ({ firstTokenMs }) => firstTokenMs ?? 0);
      }),
    );
  });

  it('shares calls by weight', () => {
    const states = [target({ weight: 3 }), target({ weight: 1 })];
    let seed = 1;
    const next = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const first = Array.from({ length: 4_000 }, () => orderTargets('weighted', states, next)[0]);
    const share = first.filter((index) => index === 0).length / first.length;
    expect(share).toBeGreaterThan(0.71);
    expect(share).toBeLessThan(0.79);
  });
});
