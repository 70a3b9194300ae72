import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import { bulkhead, circuitBreaker, deadline, retry } from './index.js';

const never = new AbortController().signal;
const unavailable = (retryAfterSeconds?: number) =>
  new MillraceError('unavailable', 'down', 'It is down.', retryAfterSeconds === undefined ? {} : { retryAfterSeconds });

/** Settles at once into what happened, so that nothing is unhandled while time is moved by hand. */
const outcomeOf = (promise: Promise<unknown>) =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('retry', () => {
  const options = { maxAttempts: 3, initialDelayMs: 100, maxDelayMs: 150, maxRetryAfterMs: 5_000, random: () => 0.999 };

  it('repeats retryable failures with waits that grow to the bound, then gives the last one', async () => {
    const calledAt: number[] = [];
    const start = Date.now();
    const outcome = outcomeOf(
      retry(
        options,
        () => {
          calledAt.push(Date.now() - start);
          return Promise.reject(unavailable());
        },
        never,
      ),
    );
    await jest.advanceTimersByTimeAsync(1_000);
    expect(calledAt).toEqual([0, 99, 248]);
    expect(await outcome).toMatchObject({ error: { code: 'down' } });
  });

  it('never waits less than Retry-After asks for', async () => {
    let calls = 0;
    const outcome = outcomeOf(
      retry(options, () => (++calls === 1 ? Promise.reject(unavailable(2)) : Promise.resolve('done')), never),
    );
    await jest.advanceTimersByTimeAsync(1_999);
    expect(calls).toBe(1);
    await jest.advanceTimersByTimeAsync(200);
    expect(await outcome).toEqual({ value: 'done' });
  });

  it.each([
    ['a permanent failure', new MillraceError('invalid', 'bad', 'Bad.')],
    ['a Retry-After longer than it may wait', unavailable(60)],
    ['something unexpected', new TypeError('x is not a function')],
  ])('leaves %s to the caller at once', async (_, error) => {
    let calls = 0;
    const outcome = await outcomeOf(
      retry(
        options,
        () => {
          calls++;
          return Promise.reject(error);
        },
        never,
      ),
    );
    expect(outcome).toEqual({ error });
    expect(calls).toBe(1);
  });

  it('ends a wait at once when the caller gives up, and does not call again', async () => {
    const caller = new AbortController();
    let calls = 0;
    const outcome = outcomeOf(
      retry(
        options,
        () => {
          calls++;
          return Promise.reject(unavailable(4));
        },
        caller.signal,
      ),
    );
    await jest.advanceTimersByTimeAsync(10);
    caller.abort();
    expect(await outcome).toMatchObject({ error: { kind: 'cancelled' } });
    await jest.advanceTimersByTimeAsync(60_000);
    expect(calls).toBe(1);
  });
});

describe('circuitBreaker', () => {
  const open = () =>
    circuitBreaker({
      name: 'The provider',
      failureShare: 0.5,
      window: 4,
      openForMs: 10_000,
      code: 'provider_unavailable',
      counts: (error) => error instanceof MillraceError && error.retryable,
    });
  const fail = () => Promise.reject(unavailable());

  it('refuses at once after too many failures, says when to come back, and recovers by a trial', async () => {
    const breaker = open();
    for (let call = 0; call < 4; call++) await outcomeOf(breaker.execute(fail, never));
    let called = false;
    const refused = await outcomeOf(
      breaker.execute(() => {
        called = true;
        return Promise.resolve(1);
      }, never),
    );
    expect(refused).toMatchObject({
      error: { kind: 'unavailable', code: 'provider_unavailable', retryAfterSeconds: 10, retryable: true },
    });
    expect(called).toBe(false);
    expect(breaker.letsThrough).toBe(false);
    await jest.advanceTimersByTimeAsync(10_001);
    expect(breaker.letsThrough).toBe(true);
    await expect(breaker.execute(() => Promise.resolve('well again'), never)).resolves.toBe('well again');
    expect(breaker.isOpen).toBe(false);
  });

  it('opens again when the trial fails', async () => {
    const breaker = open();
    for (let call = 0; call < 4; call++) await outcomeOf(breaker.execute(fail, never));
    await jest.advanceTimersByTimeAsync(10_001);
    let end: () => void = () => undefined;
    const trial = outcomeOf(
      breaker.execute(() => new Promise((_, reject) => (end = () => reject(unavailable()))), never),
    );
    await jest.advanceTimersByTimeAsync(0);
    expect(breaker.letsThrough).toBe(false);
    end();
    await trial;
    expect(breaker.isOpen).toBe(true);
    expect(breaker.letsThrough).toBe(false);
  });

  it('does not count mistakes of the caller', async () => {
    const breaker = open();
    const mistake = () => Promise.reject(new MillraceError('invalid', 'bad', 'Bad.'));
    for (let call = 0; call < 20; call++) await outcomeOf(breaker.execute(mistake, never));
    expect(breaker.isOpen).toBe(false);
  });
});

describe('bulkhead', () => {
  it('runs as many as it has slots, lets some wait, refuses the rest', async () => {
    const gate = bulkhead({ name: 'The model', slots: 2, queue: 1, code: 'model_overloaded' });
    const releases: (() => void)[] = [];
    const hold = () => new Promise<void>((resolve) => releases.push(resolve));
    const running = [1, 2, 3].map(() => outcomeOf(gate.execute(hold, never)));
    const refused = await outcomeOf(gate.execute(hold, never));
    expect(refused).toMatchObject({ error: { kind: 'overloaded', code: 'model_overloaded', retryAfterSeconds: 1 } });
    expect(releases).toHaveLength(2);
    releases.forEach((release) => release());
    await jest.advanceTimersByTimeAsync(0);
    expect(releases).toHaveLength(3);
    releases[2]?.();
    await Promise.all(running);
  });

  it('does not begin what was cancelled while it waited', async () => {
    const gate = bulkhead({ name: 'The model', slots: 1, queue: 1, code: 'model_overloaded' });
    let release: () => void = () => undefined;
    const first = outcomeOf(gate.execute(() => new Promise<void>((resolve) => (release = resolve)), never));
    const caller = new AbortController();
    let begun = false;
    const second = outcomeOf(
      gate.execute(() => {
        begun = true;
        return Promise.resolve();
      }, caller.signal),
    );
    caller.abort();
    expect(await second).toMatchObject({ error: { kind: 'cancelled' } });
    release();
    await first;
    await jest.advanceTimersByTimeAsync(0);
    expect(begun).toBe(false);
  });
});

describe('deadline', () => {
  const expired = () => new MillraceError('timeout', 'too_slow', 'Too slow.');

  it('aborts the operation and fails when the time is over', async () => {
    let reason: unknown;
    const outcome = outcomeOf(
      deadline(
        500,
        expired,
        (signal) =>
          new Promise(() => {
            signal.addEventListener('abort', () => {
              reason = signal.reason;
            });
          }),
        never,
      ),
    );
    await jest.advanceTimersByTimeAsync(500);
    expect(await outcome).toMatchObject({ error: { code: 'too_slow' } });
    expect(reason).toMatchObject({ code: 'too_slow' });
  });

  it('passes results and failures through and leaves no timer behind', async () => {
    await expect(deadline(500, expired, () => Promise.resolve(7), never)).resolves.toBe(7);
    await expect(deadline(500, expired, () => Promise.reject(new TypeError('no')), never)).rejects.toThrow(TypeError);
    expect(jest.getTimerCount()).toBe(0);
  });
});
