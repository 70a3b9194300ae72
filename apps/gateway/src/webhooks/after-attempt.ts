/** What follows from an attempt to deliver. Pure. */
import { webhookTestType } from '@millrace/contracts';
import type { MillraceError } from '@millrace/kernel';
import { delayBefore } from '@millrace/resilience';

export interface RetryPolicy {
  readonly attempts: number;
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
}

export interface Attempt {
  readonly eventType: string;
  /** Attempts so far, this one included. */
  readonly attempts: number;
}

export interface AttemptOutcome {
  /** Null where no answer came. */
  readonly status: number | null;
  /** Null where the endpoint took the message. */
  readonly error: MillraceError | null;
}

export type NextStep =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'parked' }
  /** The endpoint says that it is gone for good: nothing more is sent to it. */
  | { readonly kind: 'gone' };

const gone = 410;

/**
 * Whatever is no success is tried again, for any of it can be mended at the other end. A trial is answered at once: somebody waits.
 * @param random 0 to 1, exclusive
 */
export function afterAttempt(
  { eventType, attempts }: Attempt,
  { status, error }: AttemptOutcome,
  policy: RetryPolicy,
  random: () => number = Math.random,
): NextStep {
  if (error === null) return { kind: 'delivered' };
  if (eventType === webhookTestType) return { kind: 'parked' };
  if (status === gone) return { kind: 'gone' };
  if (attempts >= policy.attempts) return { kind: 'parked' };
  return { kind: 'retry', delayMs: Math.ceil(delayBefore(attempts, error, { ...policy, random })) };
}
