import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import { failureOf, unstorable } from './commit-failure.js';
import type { RunWork } from './run-input.js';

const databaseError = (code: string): Error => Object.assign(new Error('as the database says'), { code });

describe('failureOf', () => {
  it.each([
    ['23505', 'conflict'],
    ['40001', 'conflict'],
    ['22007', 'data'],
    ['22P05', 'data'],
    ['23514', 'data'],
    ['54000', 'data'],
    ['54001', 'data'],
    ['57P01', 'unavailable'],
    ['53200', 'unavailable'],
    ['ECONNRESET', 'unavailable'],
  ])('takes %s for %s, wrapped or not', (code, failure) => {
    const error = databaseError(code);
    expect(failureOf(error)).toBe(failure);
    expect(failureOf(new MillraceError('internal', 'wrapped', 'Wrapped.', { cause: error }))).toBe(failure);
  });
});

describe('unstorable', () => {
  const refused = 'poison \ud800 and \u0000';
  const result = { type: 'task-result', node: 'only', attempt: 1 } as const;
  const failed: RunWork = {
    ...result,
    outcome: { status: 'failed', error: { kind: 'internal', code: 'x', message: refused, retryable: true } },
  };
  const timer: RunWork = { type: 'timer', timer: { node: refused, attempt: 1, timer: 'retry', dueAt: '' } };

  it('fails the attempt for good in place of an output', () => {
    const instead = unstorable({ ...result, outcome: { status: 'completed', output: refused } });
    expect(instead).toMatchObject({
      ...result,
      outcome: { status: 'failed', error: { code: 'unstorable_output', retryable: false } },
    });
    expect(JSON.stringify(instead)).not.toContain('poison');
  });

  it.each([failed, timer])('fails the run in place of a $type that cannot be replaced, in words of its own', (work) => {
    const instead = unstorable(work);
    if (instead?.type !== 'failure') throw new Error('The run goes on.');
    expect(instead.error.code).toBe('unstorable_state');
    expect(instead.error.message).not.toContain('poison');
    expect(instead.inPlaceOf).toBe(work);
    expect(unstorable(instead)).toBeNull();
  });

  it('leaves a refused command to its caller', () => {
    expect(unstorable({ type: 'cancel', reason: refused })).toBeNull();
  });
});
