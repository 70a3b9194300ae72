import { type MillraceError } from '@millrace/kernel';
import { untilAborted } from './until-aborted.js';

/**
 * Gives an operation a signal that aborts with the caller's, or with `expired` after `timeoutMs`. The result is the
 * operation's unless the time is over first.
 *
 * @throws MillraceError `expired()` when the time is over; `cancelled` when the caller gave up; else what the operation threw.
 */
export async function deadline<Result>(
  timeoutMs: number,
  expired: () => MillraceError,
  operation: (signal: AbortSignal) => Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(expired()), timeoutMs);
  const either = AbortSignal.any([signal, limit.signal]);
  try {
    return await untilAborted(operation(either), either);
  } finally {
    clearTimeout(timer);
  }
}
