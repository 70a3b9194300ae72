import { MillraceError } from '@millrace/kernel';
import { callRetries } from '@millrace/telemetry';
import { DelegateBackoff, handleWhen, retry as retryPolicy } from 'cockatiel';
import { cancellationOf, untilAborted } from './until-aborted.js';

export interface RetryOptions {
  /** Calls in all, the first one included. */
  readonly maxAttempts: number;
  /** Upper bound of the first wait, in milliseconds; it doubles with each attempt. */
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  /** A longer `Retry-After` than this is not waited for: the error goes to the caller, who can plan. */
  readonly maxRetryAfterMs: number;
  /** What metrics call the repeated call; without it nothing is measured. */
  readonly metric?: string;
  /** 0 to 1, exclusive; for tests. */
  readonly random?: () => number;
}

/**
 * Repeats an operation that fails with a retryable MillraceError. The wait is random between 0 and a bound that
 * doubles (full jitter), and never shorter than the error's `retryAfterSeconds`. An abort ends the wait at once.
 *
 * @throws MillraceError the last failure, or `cancelled`.
 */
export function retry<Result>(
  options: RetryOptions,
  operation: (signal: AbortSignal) => Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  const policy = retryPolicy(
    handleWhen((error) => !signal.aborted && isWorthRepeating(error, options)),
    {
      maxAttempts: options.maxAttempts - 1,
      backoff: new DelegateBackoff(({ attempt, result }) =>
        delayBefore(attempt, 'error' in result ? result.error : undefined, options),
      ),
    },
  );
  if (options.metric !== undefined) {
    const retries = callRetries.at({ 'millrace.call': options.metric });
    policy.onRetry(() => retries.add(1));
  }
  const attempt = () => {
    if (signal.aborted) throw cancellationOf(signal);
    return operation(signal);
  };
  return untilAborted(policy.execute(attempt, signal), signal);
}

function isWorthRepeating(error: unknown, options: RetryOptions): boolean {
  if (!(error instanceof MillraceError) || !error.retryable) return false;
  return (error.retryAfterSeconds ?? 0) * 1000 <= options.maxRetryAfterMs;
}

/**
 * The wait before the next attempt, in milliseconds: random between 0 and a bound that doubles, never shorter than asked for. Also for
 * attempts that are planned and made by another process. `attempt` counts those that failed, from 1.
 */
export function delayBefore(
  attempt: number,
  error: unknown,
  options: Pick<RetryOptions, 'initialDelayMs' | 'maxDelayMs' | 'random'>,
): number {
  const bound = Math.min(options.maxDelayMs, options.initialDelayMs * 2 ** (attempt - 1));
  const jitter = (options.random ?? Math.random)() * bound;
  const asked = error instanceof MillraceError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
  return asked + jitter;
}
