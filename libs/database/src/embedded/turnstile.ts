import { databaseClosed, overloaded } from '../errors.js';
import { waitCell } from '../metering.js';

/** One at a time, in the order of arrival, and nobody waits longer than `waitMs`. PGlite has a single session. */
export class Turnstile {
  private busy = false;
  private shut = false;
  private readonly waiting: (() => void)[] = [];
  private readonly waits = waitCell('embedded');

  constructor(private readonly waitMs: number) {}

  /** @throws MillraceError `database_overloaded` when the turn did not come in time, `database_closed` */
  async pass<Result>(work: () => Promise<Result>): Promise<Result> {
    const askedAt = performance.now();
    if (this.busy) await this.turn();
    this.waits.record((performance.now() - askedAt) / 1000);
    if (this.shut) {
      this.handOver();
      throw databaseClosed();
    }
    this.busy = true;
    try {
      return await work();
    } finally {
      this.handOver();
    }
  }

  /** Lets `work` through as the last one: whoever waits behind it is turned away. */
  close(work: () => Promise<void>): Promise<void> {
    return this.pass(() => {
      this.shut = true;
      return work();
    });
  }

  private turn(): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(enter), 1);
        reject(overloaded());
      }, this.waitMs);
      this.waiting.push(enter);
    });
  }

  /** `busy` stays true while somebody waits, so that nobody slips in between the hand-over and the next one's start. */
  private handOver(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.busy = false;
    else next();
  }
}
