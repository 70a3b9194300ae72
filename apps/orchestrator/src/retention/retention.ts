/** Removes the runs of the owned partitions that have been kept for long enough, and single ones on request. */
import type { LeaseBook } from '../partition/lease-book.js';
import type { RunKey } from '../run/hot-run.js';
import type { RunWriter } from '../run/run.writer.js';
import type { OrchestratorStores } from '../schema/stores.js';
import type { RetentionPolicy } from './keep-days.js';

export interface RetentionParts {
  readonly store: OrchestratorStores['removals'];
  readonly leases: Pick<LeaseBook, 'held' | 'epochOf' | 'owner'>;
  /** Removing happens between two batches: no message is decided on a run that goes meanwhile. */
  readonly writer: Pick<RunWriter, 'apart'>;
  readonly policy: RetentionPolicy;
  readonly everyMs: number;
  readonly onRemoved: (keys: readonly RunKey[]) => void;
  readonly onFailure: (message: string, error: unknown) => void;
}

/** Small, because the writer waits for it. */
const bounds = { runs: 20, events: 1_000 };

export class Retention {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private stopped = true;

  constructor(private readonly parts: RetentionParts) {}

  /** Does nothing where every run is kept for ever. */
  start(): void {
    const { days, ofTenants } = this.parts.policy;
    if (days === null && ofTenants.size === 0) return;
    this.stopped = false;
    this.plan();
  }

  /** Removes nothing new, and resolves when the current batch is over. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    await this.round;
  }

  /** Removes one run that has ended and was announced; whether it went. */
  async removeNow(key: RunKey): Promise<boolean> {
    const { store, writer } = this.parts;
    const removed = await writer.apart(() => store.removeOne(this.claimOf(key.partition), key));
    if (removed) this.parts.onRemoved([key]);
    return removed;
  }

  private plan(): void {
    this.timer = setTimeout(() => {
      this.round = this.work().finally(() => {
        this.round = null;
        if (!this.stopped) this.plan();
      });
    }, this.parts.everyMs).unref();
  }

  private async work(): Promise<void> {
    try {
      for (const { partition } of this.parts.leases.held()) await this.removeOld(partition);
      if (!this.stopped) await this.parts.store.pruneMarks();
    } catch (error) {
      this.parts.onFailure('Old runs could not be removed; trying again.', error);
    }
  }

  private async removeOld(partition: number): Promise<void> {
    const { store, writer, policy, onRemoved } = this.parts;
    while (!this.stopped) {
      const removed = await writer.apart(() => store.removeOld(this.claimOf(partition), policy, bounds));
      if (removed.length === 0) return;
      onRemoved(removed);
    }
  }

  private claimOf(partition: number) {
    const { leases } = this.parts;
    return { owner: leases.owner, partition, epoch: leases.epochOf(partition) };
  }
}
