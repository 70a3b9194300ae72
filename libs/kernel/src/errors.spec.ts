import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MillraceError, toMillraceError, type ErrorKind } from './errors.js';

const kinds: readonly ErrorKind[] = ['invalid', 'not-found', 'overloaded', 'unavailable', 'timeout', 'internal'];

describe('MillraceError', () => {
  it('travels as its shape and comes back the same', () => {
    const anyError = fc.record({
      kind: fc.constantFrom(...kinds),
      code: fc.string({ minLength: 1 }),
      message: fc.string(),
      retryable: fc.boolean(),
      retryAfterSeconds: fc.option(fc.nat(), { nil: undefined }),
      violations: fc.array(fc.record({ pointer: fc.string(), message: fc.string() })),
    });
    fc.assert(
      fc.property(anyError, ({ kind, code, message, ...options }) => {
        const error = new MillraceError(kind, code, message, options);
        const sent: unknown = JSON.parse(JSON.stringify(error.toShape()));
        expect(MillraceError.fromShape(sent as ReturnType<MillraceError['toShape']>).toShape()).toEqual(
          error.toShape(),
        );
      }),
    );
  });

  it('may be tried again by its kind, unless said otherwise', () => {
    expect(new MillraceError('unavailable', 'away', '').retryable).toBe(true);
    expect(new MillraceError('invalid', 'wrong', '').retryable).toBe(false);
    expect(new MillraceError('unavailable', 'away', '', { retryable: false }).retryable).toBe(false);
  });
});

describe('toMillraceError', () => {
  it('hides the message of what was not expected, and keeps it as the cause', () => {
    const thrown = new Error('connect postgres://user:secret@host failed');
    const error = toMillraceError(thrown);
    expect(error).toMatchObject({ kind: 'internal', code: 'internal_error', cause: thrown });
    expect(JSON.stringify(error.toShape())).not.toContain('secret');
  });

  it('leaves an expected error as it is', () => {
    const error = new MillraceError('conflict', 'taken', 'The name is taken.');
    expect(toMillraceError(error)).toBe(error);
  });
});
