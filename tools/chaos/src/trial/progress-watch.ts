/** Watches whether anything moves: how many events the runs of a tenant have, over time. */
import { setTimeout as pause } from 'node:timers/promises';
import { progressOf, type Progress } from './run-database.js';

const betweenMs = 150;

export class ProgressWatch {
  latest: Progress = { runs: 0, unfinished: 0, events: 0 };
  /** When the number of events changed, in milliseconds since the epoch. */
  private readonly movedAt: number[] = [Date.now()];
  private stopped = false;
  private readonly working: Promise<void>;

  constructor(
    private readonly url: string,
    private readonly tenantId: string,
  ) {
    this.working = this.work();
  }

  get lastMovedAt(): number {
    return this.movedAt.at(-1) ?? 0;
  }

  /** When something moved for the first time after a moment; undefined where nothing has yet. */
  firstMoveAfter(moment: number): number | undefined {
    return this.movedAt.find((at) => at > moment);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.working;
  }

  private async work(): Promise<void> {
    while (!this.stopped) {
      // While the database is away nobody knows, and nothing moves.
      const now = await progressOf(this.url, this.tenantId).catch(() => this.latest);
      if (now.events !== this.latest.events || now.unfinished !== this.latest.unfinished) this.movedAt.push(Date.now());
      this.latest = now;
      await pause(betweenMs);
    }
  }
}
