/**
 * Keeps this replica's fair share of the partitions: announces it, renews its leases, takes over what nobody holds, and
 * hands back what is above the share.
 *
 * 1. A partition is in debt from before its first message is taken until what its last owner left unpublished is published.
 * 2. A partition is handed back only after what was taken for it is answered.
 * 3. A failing database ends nothing by itself: leases run out in the book, and the next round tries again.
 */
import { partitionCount } from '@millrace/contracts';
import type { Clock } from '@millrace/kernel';
import type { PublicationLedger } from '../publication/publication-ledger.js';
import type { OrchestratorStores } from '../schema/stores.js';
import type { LeaseBook } from './lease-book.js';
import type { AcquiredLease, LeaseReport } from './lease.store.js';
import type { PartitionInbox } from './partition-inbox.js';

export interface OwnershipParts {
  readonly store: ReturnType<OrchestratorStores['leases']>;
  readonly book: LeaseBook;
  readonly inbox: PartitionInbox;
  readonly ledger: PublicationLedger;
  readonly clock: Clock;
  readonly monotonicNow: () => number;
  /** Resolves when nothing that was handed in for a partition is undecided. */
  readonly quiet: (partition: number) => Promise<void>;
  /** Hears of partitions that have just been taken over. */
  readonly onAcquired: (partitions: readonly number[]) => void;
  readonly onFailure: (message: string, error: unknown) => void;
}

/** Clocks of replicas may differ by this much: a new owner publishes from so much before the cursor. */
const cursorOverlapMs = 10_000;

/** How many partitions each of so many replicas aims at. */
export const fairShare = (aliveReplicas: number): number => Math.ceil(partitionCount / Math.max(1, aliveReplicas));

export class Ownership {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private stopped = false;
  /** Whether a first round has taken back what a process before this one held under the same name. */
  private begun = false;

  constructor(
    private readonly parts: OwnershipParts,
    private readonly ttlMs: number,
  ) {}

  /** Takes over what is free, at once. Resolves after the first round, whether it succeeded or not. */
  async start(): Promise<void> {
    await this.run();
  }

  /** Hands everything back, so that other replicas take over at once. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    await this.round;
    const held = this.parts.book.held().map((lease) => lease.partition);
    await this.handBack(held);
    await this.parts.store.leave();
  }

  private async run(): Promise<void> {
    this.round = this.doRound().catch((error: unknown) => {
      this.parts.onFailure('The partition leases could not be renewed; trying again.', error);
    });
    await this.round;
    if (!this.stopped) this.timer = setTimeout(() => void this.run(), this.ttlMs / 3).unref();
  }

  private async doRound(): Promise<void> {
    const { store, book, inbox } = this.parts;
    const validUntil = this.parts.monotonicNow() + this.ttlMs;
    const alive = await store.announce();
    const reports = this.reports(book.held().map((lease) => lease.partition));
    const renewed = await store.renew(reports);
    for (const { partition } of reports) {
      if (renewed.has(partition)) book.renewed(partition, validUntil);
      else book.lost(partition);
    }
    const held = book.held().map((lease) => lease.partition);
    const share = fairShare(alive);
    if (held.length > share) await this.handBack(held.slice(share));
    const options = { andOwn: !this.begun, now: this.parts.clock.now() };
    this.take(await store.acquire(share - held.length, options), { validUntil, alone: alive === 1 });
    this.begun = true;
    for (const { partition } of book.held()) await inbox.open(partition);
  }

  /**
   * A replica that is alone may have begun anew with a bus that lives in memory, and that has lost every task. A bus that
   * other replicas use meanwhile has outlived the owner before, and with it all that was published.
   */
  private take(
    acquired: readonly AcquiredLease[],
    { validUntil, alone }: { validUntil: number; alone: boolean },
  ): void {
    for (const lease of acquired) {
      // Held already, in an epoch before: it was another's since it was renewed, and what memory says of its runs is of then.
      this.parts.book.lost(lease.partition);
      const since = new Date(lease.publishedUntil.getTime() - cursorOverlapMs);
      this.parts.ledger.owe(lease.partition, { since, tasks: alone ? 'all' : 'since' });
      this.parts.book.acquired(lease, validUntil);
    }
    if (acquired.length > 0) this.parts.onAcquired(acquired.map((lease) => lease.partition));
  }

  private async handBack(partitions: readonly number[]): Promise<void> {
    const { store, book, inbox, ledger, quiet } = this.parts;
    for (const partition of partitions) book.leave(partition);
    await Promise.all(partitions.map((partition) => inbox.close(partition)));
    await Promise.all(partitions.map((partition) => quiet(partition)));
    await store.release(this.reports(partitions));
    for (const partition of partitions) {
      book.lost(partition);
      ledger.forget(partition);
    }
  }

  private reports(partitions: readonly number[]): LeaseReport[] {
    const now = this.parts.clock.now();
    const wanted = new Set(partitions);
    return this.parts.book
      .held()
      .filter((lease) => wanted.has(lease.partition))
      .map((lease) => ({ ...lease, publishedUntil: this.parts.ledger.publishedUntil(lease.partition, now) }));
  }
}
