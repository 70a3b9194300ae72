import { MillraceError } from '@millrace/kernel';

/** Aborts with `interrupted` on Ctrl-C or when told to end; a second one ends the process at once. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

export function listenForInterruption(): Interruption {
  const controller = new AbortController();
  const onSignal = () => controller.abort(new MillraceError('cancelled', 'interrupted', 'Interrupted.'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => void process.off('SIGINT', onSignal).off('SIGTERM', onSignal),
  };
}
