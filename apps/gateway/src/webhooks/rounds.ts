import { WakeUp } from '../stream/wake-up.js';

export interface RoundsOptions {
  /** Between two rounds where nobody wakes it, in milliseconds. */
  readonly pauseMs: number;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Does a round of work again and again: at once after one that says that there is more, else after a pause or when it is woken. A
 * round that fails is told of, and the next comes after the pause.
 */
export class Rounds {
  private readonly bell = new WakeUp();
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    /** Resolves `true` where there is more to do. */
    private readonly round: () => Promise<boolean>,
    private readonly options: RoundsOptions,
  ) {}

  start(): void {
    this.running = this.run();
  }

  wake(): void {
    this.bell.ring();
  }

  /** Resolves when the round that is under way has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const more = await this.round().catch((error: unknown) => {
        this.options.onFailure(error);
        return false;
      });
      if (!more) await this.bell.wait(this.options.pauseMs, signal);
    }
  }
}
