import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SweptWork } from './swept-work.js';

describe('swept work', () => {
  it('is done for a subject one at a time, and once more where it was asked for meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(2), { minLength: 1, maxLength: 12 }), async (asked) => {
        const open: { readonly subject: number; readonly end: () => void }[] = [];
        const done: number[] = [];
        const work = (subject: number) => {
          expect(open.map((each) => each.subject)).not.toContain(subject);
          return new Promise<void>((resolve) => open.push({ subject, end: resolve }));
        };
        const swept = new SweptWork<number>({ sweepMs: 60_000, keyOf: String, work, sweep: () => Promise.resolve() });
        swept.start();
        for (const subject of asked) swept.ask(subject);
        for (let next = open.shift(); next !== undefined; next = open.shift()) {
          done.push(next.subject);
          next.end();
          await new Promise((resolve) => setImmediate(resolve));
        }
        swept.stop();
        for (const subject of new Set(asked)) {
          const times = asked.filter((each) => each === subject).length;
          expect(done.filter((each) => each === subject)).toHaveLength(Math.min(times, 2));
        }
      }),
    );
  });
});
