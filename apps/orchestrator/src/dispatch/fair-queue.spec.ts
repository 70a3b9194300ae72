import { describe, expect, it } from '@jest/globals';
import type { RunPriority } from '@millrace/contracts';
import fc from 'fast-check';
import { FairQueue, priorityWeights } from './fair-queue.js';

interface Item {
  readonly tenant: string;
  readonly priority: RunPriority;
  readonly number: number;
}
const priorities: readonly RunPriority[] = ['high', 'normal', 'low'];
const weights: Readonly<Record<string, number>> = { a: 1, b: 1, c: 3 };
const queueOf = () => new FairQueue<Item>((tenant) => weights[tenant] ?? 1);

let numbers = 0;
function fill(queue: FairQueue<Item>, tenant: string, count: number, priority: RunPriority = 'normal'): void {
  for (let index = 0; index < count; index += 1) queue.push(tenant, priority, { tenant, priority, number: numbers++ });
}
const take = (queue: FairQueue<Item>, count: number): Item[] =>
  Array.from({ length: count }, () => queue.shift()).flatMap((item) => item ?? []);
const countOf = <Name extends string>(items: readonly Item[], nameOf: (item: Item) => Name) =>
  Object.fromEntries([...Map.groupBy(items, nameOf)].map(([name, found]) => [name, found.length]));

describe('a fair queue', () => {
  it('lets a tenant that comes late have its turn next, however much another has brought', () => {
    const queue = queueOf();
    fill(queue, 'a', 1_000);
    take(queue, 100);
    fill(queue, 'b', 1);
    expect(take(queue, 2).map(({ tenant }) => tenant)).toContain('b');
  });

  it('shares turns by the weights of tenants, and of priorities within each', () => {
    const queue = queueOf();
    for (const tenant of ['a', 'b', 'c']) for (const priority of priorities) fill(queue, tenant, 500, priority);
    const taken = take(queue, 210);
    expect(countOf(taken, ({ tenant }) => tenant)).toEqual({ a: 42, b: 42, c: 126 });
    const ofA = taken.filter(({ tenant }) => tenant === 'a');
    expect(countOf(ofA, ({ priority }) => priority)).toEqual({ high: 32, normal: 8, low: 2 });
  });

  it('gives nothing for a time in which nothing waited', () => {
    const queue = queueOf();
    fill(queue, 'a', 300);
    fill(queue, 'b', 1);
    take(queue, 200);
    fill(queue, 'b', 100);
    const taken = take(queue, 40);
    expect(countOf(taken, ({ tenant }) => tenant)).toEqual({ a: expect.any(Number), b: expect.any(Number) });
    expect(taken.filter(({ tenant }) => tenant === 'b').length).toBeLessThanOrEqual(21);
  });

  it('loses nothing, doubles nothing, keeps the order of each tenant and priority, and lets nobody wait for ever', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('push' as const),
        tenant: fc.constantFrom('a', 'b', 'c'),
        priority: fc.constantFrom(...priorities),
        count: fc.integer({ min: 1, max: 20 }),
      }),
      fc.record({ kind: fc.constant('shift' as const), count: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ kind: fc.constant('remove' as const), divisor: fc.integer({ min: 2, max: 5 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = queueOf();
        const waiting: Item[] = [];
        const passedBy = new Map<string, number>();
        const shiftOne = (): void => {
          const item = queue.shift();
          if (waiting.length === 0) {
            expect(item).toBeUndefined();
            return;
          }
          const line = (each: Item) => `${each.tenant}/${each.priority}`;
          const first = waiting.find((each) => item !== undefined && line(each) === line(item));
          expect(item).toEqual(first);
          waiting.splice(waiting.indexOf(first as Item), 1);
          // Of 5 shares of tenants and 21 of priorities, each line has at least one turn, and one more for rounding.
          for (const other of new Set(waiting.map(line))) {
            const passed = other === line(item as Item) ? 0 : (passedBy.get(other) ?? 0) + 1;
            passedBy.set(other, passed);
            expect(passed).toBeLessThanOrEqual(2 * 5 * 21);
          }
        };
        for (const each of steps) {
          if (each.kind === 'push') {
            for (let count = 0; count < each.count; count += 1) {
              const item = { tenant: each.tenant, priority: each.priority, number: numbers++ };
              queue.push(each.tenant, each.priority, item);
              waiting.push(item);
            }
          } else if (each.kind === 'shift') {
            for (let count = 0; count < each.count; count += 1) shiftOne();
          } else {
            const isUnneeded = ({ number }: Item) => number % each.divisor === 0;
            const removed = queue.remove(isUnneeded);
            const expected = waiting.filter(isUnneeded);
            expect(new Set(removed)).toEqual(new Set(expected));
            for (const item of expected) waiting.splice(waiting.indexOf(item), 1);
          }
          expect(queue.size).toBe(waiting.length);
        }
        while (waiting.length > 0) shiftOne();
        expect(queue.shift()).toBeUndefined();
        expect(priorityWeights.low).toBeGreaterThan(0);
      }),
    );
  });
});
