/**
 * Starts work in the order of arrival per key, though some of it must first wait (for a blob to be fetched).
 * While nothing of a key waits, work starts at once, synchronously.
 */
export class InOrder {
  private readonly tails = new Map<string, Promise<void>>();

  /** `prepare` gives undefined when nothing needs to be awaited. Neither function may throw. */
  start(key: string, prepare: () => Promise<void> | undefined, begin: () => void): void {
    const tail = this.tails.get(key);
    const preparation = prepare();
    if (tail === undefined && preparation === undefined) {
      begin();
      return;
    }
    const next: Promise<void> = Promise.all([tail, preparation]).then(() => {
      if (this.tails.get(key) === next) this.tails.delete(key);
      begin();
    });
    this.tails.set(key, next);
  }
}
