/**
 * Runs `work` until it settles, or until `settleMs` after the signal aborted: work that ignores its signal must not hold
 * a slot for ever. What it does later is ignored.
 * @throws the signal's reason when it aborted and the work did not succeed all the same; else what the work threw.
 */
export async function runWork<Result>(
  work: () => Promise<Result>,
  signal: AbortSignal,
  settleMs: number,
): Promise<Result> {
  signal.throwIfAborted();
  const { promise: gaveUp, reject } = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(() => reject(signal.reason as Error), settleMs);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([Promise.resolve().then(work), gaveUp]);
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
