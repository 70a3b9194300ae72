import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { grantable, type WaitingRequest } from './grants.js';

const requests = fc.array(
  fc.record({
    keys: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }),
    limit: fc.integer({ min: 1, max: 3 }),
  }),
  { maxLength: 12 },
);
const waitingOf = (list: readonly { keys: string[]; limit: number }[]): WaitingRequest[] =>
  list.map(({ keys, limit }, index) => ({
    ...{ runId: `run-${index}`, node: 'x', attempt: 1, partition: 0, keys },
    limits: keys.map(() => limit),
  }));

describe('grants', () => {
  it('never exceed a limit, and leave nobody waiting who has room', () => {
    fc.assert(
      fc.property(requests, fc.array(fc.nat(3), { minLength: 3, maxLength: 3 }), (list, before) => {
        const held = new Map(['a', 'b', 'c'].map((key, index) => [key, before[index] ?? 0]));
        const waiting = waitingOf(list);
        const granted = new Set(grantable(waiting, held));
        for (const { keys, limits } of waiting) {
          for (const [index, key] of keys.entries()) {
            const limit = limits[index] ?? 0;
            const sharing = [...granted].filter((other) => other.keys.includes(key) && (other.limits[0] ?? 0) <= limit);
            if ((held.get(key) ?? 0) <= limit) expect((held.get(key) ?? 0) + sharing.length).toBeLessThanOrEqual(limit);
          }
        }
        const after = new Map(held);
        for (const { keys } of granted) for (const key of keys) after.set(key, (after.get(key) ?? 0) + 1);
        const left = waiting.filter((request) => !granted.has(request));
        expect(grantable(left, after)).toEqual([]);
      }),
    );
  });

  it('go to whoever came first', () => {
    const waiting = waitingOf([
      { keys: ['a'], limit: 1 },
      { keys: ['a'], limit: 1 },
      { keys: ['b'], limit: 1 },
    ]);
    expect(grantable(waiting, new Map()).map(({ runId }) => runId)).toEqual(['run-0', 'run-2']);
  });
});
