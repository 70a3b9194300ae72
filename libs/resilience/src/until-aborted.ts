import { MillraceError } from '@millrace/kernel';

/** The error for work that its caller gave up on: the signal's own reason where that is one of ours. */
export function cancellationOf(signal: AbortSignal): MillraceError {
  if (signal.reason instanceof MillraceError) return signal.reason;
  return new MillraceError('cancelled', 'cancelled', 'The call was cancelled.', { cause: signal.reason });
}

/**
 * The promise, or the signal's reason as soon as it aborts, whichever is first. What the promise does afterwards is
 * nobody's business any more; its rejection is not reported as unhandled.
 */
export function untilAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(cancellationOf(signal));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
