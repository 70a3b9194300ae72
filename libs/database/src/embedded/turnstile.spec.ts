import { describe, expect, it } from '@jest/globals';
import { deferred } from '@millrace/testing';
import fc from 'fast-check';
import { Turnstile } from './turnstile.js';

describe('a turnstile', () => {
  it('lets one through at a time in the order of arrival, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ steps: fc.nat(3), fails: fc.boolean() }), { maxLength: 12 }),
        async (jobs) => {
          const turnstile = new Turnstile(10_000);
          const seen: string[] = [];
          const job = async (index: number, steps: number, fails: boolean) => {
            seen.push(`in ${index}`);
            for (let step = 0; step < steps; step++) await Promise.resolve();
            seen.push(`out ${index}`);
            if (fails) throw new Error('failed');
          };
          await Promise.allSettled(
            jobs.map(({ steps, fails }, index) => turnstile.pass(() => job(index, steps, fails))),
          );
          expect(seen).toEqual(jobs.flatMap((_, index) => [`in ${index}`, `out ${index}`]));
        },
      ),
    );
  });

  it('turns away who waits too long, and serves those behind', async () => {
    const turnstile = new Turnstile(20);
    const gate = deferred();
    const first = turnstile.pass(() => gate.promise);
    await expect(turnstile.pass(() => Promise.resolve('never'))).rejects.toMatchObject({ code: 'database_overloaded' });
    const third = turnstile.pass(() => Promise.resolve('served'));
    gate.resolve();
    await first;
    await expect(third).resolves.toBe('served');
  });

  it('closes behind the last one', async () => {
    const turnstile = new Turnstile(1_000);
    const gate = deferred();
    const before = turnstile.pass(() => gate.promise.then(() => 'before'));
    const closing = turnstile.close(() => Promise.resolve());
    const late = [turnstile.pass(() => Promise.resolve()), turnstile.pass(() => Promise.resolve())];
    gate.resolve();
    await expect(before).resolves.toBe('before');
    await closing;
    for (const one of late) await expect(one).rejects.toMatchObject({ code: 'database_closed' });
    await expect(turnstile.pass(() => Promise.resolve())).rejects.toMatchObject({ code: 'database_closed' });
  });
});
