export interface IdleWatchOptions {
  /** Told once, when there was no progress for the limit, up to a quarter of it late. */
  readonly onIdle: () => void;
  /** Told at the beginning, at every quarter of the limit in which there was progress, and at the end. Must not throw. */
  readonly beat: (ended: boolean) => void;
}

const looksPerLimit = 4;
const shortestLookMs = 5;

/** Watches that work makes progress. Reporting progress is an assignment; looking at it happens a few times in each limit. */
export class IdleWatch {
  private progressedAt = performance.now();
  private beatAt = this.progressedAt;
  private isStopped = false;
  private readonly looking: NodeJS.Timeout;

  constructor(
    private readonly idleMs: number,
    private readonly options: IdleWatchOptions,
  ) {
    options.beat(false);
    this.looking = setInterval(() => this.look(), Math.max(idleMs / looksPerLimit, shortestLookMs)).unref();
  }

  progressed(): void {
    this.progressedAt = performance.now();
  }

  /** Does nothing the second time. */
  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    clearInterval(this.looking);
    this.options.beat(true);
  }

  private look(): void {
    if (performance.now() - this.progressedAt >= this.idleMs) {
      clearInterval(this.looking);
      this.options.onIdle();
    } else if (this.progressedAt > this.beatAt) {
      this.beatAt = this.progressedAt;
      this.options.beat(false);
    }
  }
}
