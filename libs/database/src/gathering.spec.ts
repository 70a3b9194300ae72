import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import { deferred } from '@millrace/testing';
import fc from 'fast-check';
import { Gathering } from './gathering.js';

describe('gathering', () => {
  it('answers everybody with the answer to what they asked, in as few batches as there are turns', async () => {
    const batches: number[][] = [];
    const gathering = new Gathering<number, string>((items) => {
      batches.push([...items]);
      return Promise.resolve(items.map(String));
    });
    const numbers = Array.from({ length: 1_200 }, (_, index) => index);
    expect(await Promise.all(numbers.map((number) => gathering.submit(number)))).toEqual(numbers.map(String));
    expect(batches.map((batch) => batch.length)).toEqual([500, 500, 200]);
    expect(await gathering.submit(7)).toBe('7');
  });

  it('lets what comes meanwhile go with the next batch', async () => {
    const gate = deferred<void>();
    const batches: string[][] = [];
    const gathering = new Gathering<string, void>(async (items) => {
      batches.push([...items]);
      await gate.promise;
      return items.map(() => undefined);
    });
    const first = gathering.submit('a');
    await new Promise((resolve) => setImmediate(resolve));
    const others = [gathering.submit('b'), gathering.submit('c')];
    gate.resolve();
    await Promise.all([first, ...others]);
    expect(batches).toEqual([['a'], ['b', 'c']]);
  });

  it('fails only what is wrong', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }), async (wrong) => {
        const gathering = new Gathering<boolean, string>((items) =>
          items.includes(true) ? Promise.reject(new Error('wrong')) : Promise.resolve(items.map(() => 'right')),
        );
        const settled = await Promise.allSettled(wrong.map((each) => gathering.submit(each)));
        expect(settled.map(({ status }) => status)).toEqual(wrong.map((each) => (each ? 'rejected' : 'fulfilled')));
      }),
    );
  });

  it('does not ask item by item what cannot answer just now', async () => {
    let asked = 0;
    const gathering = new Gathering<number, void>(() => {
      asked += 1;
      return Promise.reject(new MillraceError('unavailable', 'database_unavailable', 'Not now.'));
    });
    const settled = await Promise.allSettled([1, 2, 3].map((number) => gathering.submit(number)));
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(asked).toBe(1);
  });
});
