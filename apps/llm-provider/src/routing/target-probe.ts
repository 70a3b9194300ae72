/** Looks whether a provider's server answers at all, without a key and without a model: nothing is billed for that. */
export class TargetProbe {
  private isUp = true;
  /** By `performance.now()`. */
  private lookedAt = -Infinity;
  private looking = false;

  /** @param ask gives the status of an answer, whatever it is; throws where none comes */
  constructor(
    private readonly options: { readonly everyMs: number; readonly timeoutMs: number },
    private readonly ask: (signal: AbortSignal) => Promise<number>,
  ) {}

  /** What the newest look said. Looks again behind the caller's back when that is too long ago: a route nobody uses is left alone. */
  get seesItUp(): boolean {
    if (!this.looking && performance.now() - this.lookedAt >= this.options.everyMs) void this.look();
    return this.isUp;
  }

  private async look(): Promise<void> {
    this.looking = true;
    try {
      const status = await this.ask(AbortSignal.timeout(this.options.timeoutMs));
      this.isUp = status < 500;
    } catch {
      this.isUp = false;
    } finally {
      this.lookedAt = performance.now();
      this.looking = false;
    }
  }
}
