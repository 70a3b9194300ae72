import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import fc from 'fast-check';
import { afterAttempt } from './after-attempt.js';

const policy = { attempts: 15, initialDelayMs: 5_000, maxDelayMs: 14_400_000 };
const failure = (retryAfterSeconds?: number) =>
  new MillraceError('unavailable', 'http_503', 'x', retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
const statuses = fc.constantFrom(null, 301, 400, 404, 429, 500, 503);
const shares = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

describe('what follows from an attempt', () => {
  it('is delivered where nothing went wrong', () => {
    fc.assert(
      fc.property(fc.nat(100), (attempts) => {
        const next = afterAttempt({ eventType: 'a', attempts }, { status: 204, error: null }, policy);
        expect(next).toEqual({ kind: 'delivered' });
      }),
    );
  });

  it('is another attempt within a bound that doubles, until there were enough', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), statuses, shares, (attempts, status, random) => {
        const next = afterAttempt({ eventType: 'a', attempts }, { status, error: failure() }, policy, () => random);
        if (attempts >= policy.attempts) return expect(next).toEqual({ kind: 'parked' });
        if (next.kind !== 'retry') throw new Error(next.kind);
        expect(next.delayMs).toBeLessThanOrEqual(Math.min(policy.maxDelayMs, 5_000 * 2 ** (attempts - 1)));
        expect(next.delayMs).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is never sooner than the endpoint asked for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 14 }), fc.nat(3_600), shares, (attempts, seconds, random) => {
        const outcome = { status: 429, error: failure(seconds) };
        const next = afterAttempt({ eventType: 'a', attempts }, outcome, policy, () => random);
        expect(next).toMatchObject({ kind: 'retry' });
        if (next.kind === 'retry') expect(next.delayMs).toBeGreaterThanOrEqual(seconds * 1_000);
      }),
    );
  });

  it('takes hours in all', () => {
    let longest = 0;
    for (let attempts = 1; ; attempts += 1) {
      const next = afterAttempt({ eventType: 'a', attempts }, { status: 500, error: failure() }, policy, () => 1);
      if (next.kind !== 'retry') break;
      longest += next.delayMs;
    }
    expect(longest / 3_600_000).toBeGreaterThan(8);
    expect(longest / 3_600_000).toBeLessThan(24);
  });

  it('is the end for an endpoint that is gone, and for a trial that failed', () => {
    expect(afterAttempt({ eventType: 'a', attempts: 1 }, { status: 410, error: failure() }, policy).kind).toBe('gone');
    const trial = { eventType: 'millrace.webhook.test.v1', attempts: 1 };
    for (const status of [410, 500, null])
      expect(afterAttempt(trial, { status, error: failure() }, policy).kind).toBe('parked');
  });
});
