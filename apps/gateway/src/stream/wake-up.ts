/** A bell that may be rung before anybody waits for it: a ring is never lost, and many rings are one. */
export class WakeUp {
  private rung = false;
  private answer: (() => void) | undefined;

  ring(): void {
    this.rung = true;
    this.answer?.();
  }

  /** Resolves `true` at the next ring, `false` after a time in milliseconds or when the signal aborts. */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    if (!this.rung && !signal.aborted) await this.pause(timeoutMs, signal);
    const rung = this.rung;
    this.rung = false;
    return rung;
  }

  private async pause(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const timer = setTimeout(wake, timeoutMs);
    signal.addEventListener('abort', wake);
    this.answer = wake;
    await promise;
    this.answer = undefined;
    clearTimeout(timer);
    signal.removeEventListener('abort', wake);
  }
}
