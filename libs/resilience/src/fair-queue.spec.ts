import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fairQueue } from './fair-queue.js';

const never = new AbortController().signal;
const queueOf = (options: Partial<Parameters<typeof fairQueue>[0]> = {}) =>
  fairQueue({ name: 'The model', slots: 1, size: 100, deadlineMs: 60_000, code: 'model_busy', ...options });

/** An operation that is begun and ended by hand. */
function held(): { readonly run: () => Promise<void>; readonly begun: () => boolean; readonly end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let begun = false;
  const run = (): Promise<void> => {
    begun = true;
    return promise;
  };
  return { run, begun: () => begun, end: resolve };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a fair queue', () => {
  it('lets owners take turns, whatever each of them has waiting', async () => {
    const queue = queueOf();
    const first = held();
    const order: string[] = [];
    const running = [queue.execute('first', first.run, never)];
    const enter = (owner: string) =>
      running.push(
        queue.execute(
          owner,
          () => {
            order.push(owner);
            return Promise.resolve();
          },
          never,
        ),
      );
    ['a', 'a', 'a', 'a', 'b', 'c', 'b'].forEach(enter);
    first.end();
    await Promise.all(running);
    expect(order).toEqual(['a', 'b', 'c', 'a', 'b', 'a', 'a']);
  });

  it('refuses one more than it has room for, with a time to come back', async () => {
    const queue = queueOf({ size: 1 });
    const first = held();
    const running = queue.execute('a', first.run, never);
    const waiting = queue.execute('a', () => Promise.resolve('served'), never);
    await expect(queue.execute('b', () => Promise.resolve(), never)).rejects.toMatchObject({
      kind: 'overloaded',
      code: 'model_busy',
      retryAfterSeconds: 60,
    });
    first.end();
    expect(await waiting).toBe('served');
    await running;
  });

  it('lets nobody wait longer than its deadline, nor begin afterwards', async () => {
    const queue = queueOf({ deadlineMs: 20 });
    const [first, second] = [held(), held()];
    const running = queue.execute('a', first.run, never);
    await expect(queue.execute('a', second.run, never)).rejects.toMatchObject({ code: 'model_busy' });
    first.end();
    await running;
    await settled();
    expect([second.begun(), queue.waiting]).toEqual([false, 0]);
  });

  it('forgets who gives up', async () => {
    const queue = queueOf();
    const [first, second] = [held(), held()];
    const running = queue.execute('a', first.run, never);
    const caller = new AbortController();
    const given = queue.execute('a', second.run, caller.signal);
    caller.abort();
    await expect(given).rejects.toMatchObject({ kind: 'cancelled' });
    first.end();
    await running;
    expect([second.begun(), queue.waiting]).toEqual([false, 0]);
    expect(await queue.execute('a', () => Promise.resolve(1), never)).toBe(1);
  });

  it('never runs more than it has slots, and serves everybody', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 40 }),
        async (slots, owners) => {
          const queue = queueOf({ slots });
          let [running, most, served] = [0, 0, 0];
          const work = async (): Promise<void> => {
            most = Math.max(most, ++running);
            await settled();
            running -= 1;
            served += 1;
          };
          await Promise.all(owners.map((owner) => queue.execute(owner, work, never)));
          expect(served).toBe(owners.length);
          expect(most).toBeLessThanOrEqual(slots);
        },
      ),
      { numRuns: 30 },
    );
  });
});
