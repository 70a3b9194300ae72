import { describe, expect, it } from '@jest/globals';
import type { ErrorKind, JsonObject } from '@millrace/kernel';
import fc from 'fast-check';
import { validateGraph } from '../document/validate.js';
import { graphOf, TestRun, tool } from '../testing/test-run.js';

const kinds: readonly ErrorKind[] = ['overloaded', 'unavailable', 'timeout', 'internal', 'invalid', 'not-found'];
const errors = fc.record({
  kind: fc.constantFrom(...kinds),
  code: fc.constantFrom('rate_limited', 'gone', 'odd'),
  message: fc.constant('It broke.'),
  retryable: fc.boolean(),
  retryAfterSeconds: fc.option(fc.nat(100_000), { nil: undefined }),
});
const policies = fc.record({
  maxAttempts: fc.integer({ min: 1, max: 20 }),
  initialMs: fc.integer({ min: 1, max: 5_000 }),
  maxMs: fc.integer({ min: 5_000, max: 60_000 }),
  factor: fc.integer({ min: 1, max: 10 }),
  on: fc.option(fc.subarray([...kinds, 'rate_limited', 'gone']), { nil: undefined }),
});

function started(retry: JsonObject, rest: JsonObject = {}): TestRun {
  const run = new TestRun(graphOf([tool('x', { retry, ...rest })]));
  run.start();
  return run;
}

describe('retries', () => {
  it('wait for a random part of the backoff, never after a permanent error, and only for the classes that are named', () => {
    fc.assert(
      fc.property(policies, fc.array(errors, { minLength: 1, maxLength: 20 }), fc.nat(999), (policy, list, random) => {
        const { maxAttempts, factor, on } = policy;
        const backoff = { initial: `${policy.initialMs}ms`, max: `${policy.maxMs}ms`, factor };
        const run = started({ maxAttempts, backoff, ...(on && { on }) });
        run.random = random / 1_000;
        for (const [index, error] of list.entries()) {
          const [event] = run.result('x', { status: 'failed', error });
          const isNamed = on === undefined || on.includes(error.code) || on.includes(error.kind);
          const again = error.retryable && isNamed && index + 1 < maxAttempts;
          expect(event?.type).toBe(again ? 'NodeRetryScheduled' : 'NodeFailed');
          if (event?.type !== 'NodeRetryScheduled') return;
          const longest = Math.min(policy.maxMs, policy.initialMs * factor ** index) * run.random;
          const asked = Math.min(error.retryAfterSeconds ?? 0, 3_600) * 1_000;
          expect(Date.parse(event.data.dueAt) - run.time).toBe(Math.round(Math.max(longest, asked)));
          for (const timer of run.timers()) run.fire(timer);
        }
      }),
    );
  });

  it('follow an idle attempt, of a node that limits idleness', () => {
    const idle = { type: 'task-idle', node: 'x', attempt: 1, random: 0 } as const;
    const run = started({ maxAttempts: 2 }, { timeout: { idle: '5s' } });
    expect(run.send({ ...idle, attempt: 2, now: run.tick() })).toEqual([]);
    expect(run.send({ ...idle, now: run.tick() })).toMatchObject([
      { type: 'NodeRetryScheduled', data: { error: { code: 'idle_timeout' } } },
    ]);
    expect(run.send({ ...idle, now: run.tick() })).toEqual([]);
    const unlimited = started({ maxAttempts: 2 });
    expect(unlimited.send({ ...idle, now: unlimited.tick() })).toEqual([]);
  });

  it('hand the limits of an attempt to its task', () => {
    const run = started({}, { timeout: { attempt: '2s', idle: '500ms' } });
    expect(run.tasks()).toMatchObject([{ attemptMs: 2_000, idleMs: 500 }]);
    expect(run.timers()).toEqual([]);
    expect(started({}).tasks()).toMatchObject([{ attemptMs: null, idleMs: null }]);
  });

  it.each<[JsonObject, string]>([
    [{ timeout: { attempt: '400d' } }, '/nodes/0/timeout/attempt'],
    [{ timeout: { idle: 'soon' } }, '/nodes/0/timeout/idle'],
    [{ timeout: { attempt: '2m', total: '1m' } }, '/nodes/0/timeout/attempt'],
    [{ timeout: {} }, '/nodes/0/timeout'],
    [{ retry: { backoff: { initial: '1m', max: '1s' } } }, '/nodes/0/retry/backoff/max'],
    [{ retry: { maxAttempts: 21 } }, '/nodes/0/retry/maxAttempts'],
    [{ retry: { on: [''] } }, '/nodes/0/retry/on/0'],
    [{ retry: { on: ['invalid'] } }, '/nodes/0/retry/on/0'],
  ])('are refused with %j', (rest, pointer) => {
    expect(validateGraph(graphOf([tool('x', rest)]))).toMatchObject({ violations: [{ pointer }] });
  });
});
