/**
 * What this replica knows of its leases, in memory. Time is monotonic milliseconds (`performance.now`), because a
 * lease must not grow longer when somebody sets the clock.
 *
 * 1. A partition is owned from its acquisition until its lease runs out, is handed back or turns out to be lost.
 * 2. A lease runs out here no later than in the database: it counts from before the statement that renewed it.
 */
import { partitionChanges } from '@millrace/telemetry';
import type { LeaseClaim } from '../run/run.store.js';

export interface HeldLease {
  readonly partition: number;
  readonly epoch: number;
}

const changes = {
  acquired: partitionChanges.at({ 'millrace.change': 'acquired' }),
  handedBack: partitionChanges.at({ 'millrace.change': 'handed-back' }),
  lost: partitionChanges.at({ 'millrace.change': 'lost' }),
};

export class LeaseBook {
  private readonly leases = new Map<number, { readonly epoch: number; validUntil: number; leaving: boolean }>();

  constructor(
    readonly owner: string,
    private readonly monotonicNow: () => number,
    private readonly onLost: (partition: number) => void,
  ) {}

  /** Whether new messages for the partition may be taken here. */
  owns(partition: number): boolean {
    return this.holds(partition) && this.leases.get(partition)?.leaving === false;
  }

  /** Whether the lease is surely held now, so that what memory says of the partition's runs is true. */
  holds(partition: number): boolean {
    const lease = this.leases.get(partition);
    return lease !== undefined && lease.validUntil > this.monotonicNow();
  }

  /** The partitions held, run out or not, those being handed back too. */
  held(): HeldLease[] {
    return [...this.leases].map(([partition, { epoch }]) => ({ partition, epoch }));
  }

  /** The epoch in which a partition is held; -1 where it is not. A partition that was lost and taken over again has another one. */
  epochOf(partition: number): number {
    return this.leases.get(partition)?.epoch ?? -1;
  }

  /** What a batch must hold to be written: its partitions in the epochs in which it was decided. */
  claim(
    partitions: Iterable<number>,
    epochOf: (partition: number) => number = (each) => this.epochOf(each),
  ): LeaseClaim {
    const claimed = [...partitions];
    return { owner: this.owner, partitions: claimed, epochs: claimed.map(epochOf) };
  }

  acquired(lease: HeldLease, validUntil: number): void {
    this.leases.set(lease.partition, { epoch: lease.epoch, validUntil, leaving: false });
    changes.acquired.add(1);
  }

  /** Takes no new messages for a partition that is about to be handed back. */
  leave(partition: number): void {
    const lease = this.leases.get(partition);
    if (lease !== undefined) lease.leaving = true;
  }

  /** It is still this replica's, also where handing it back was begun and failed: then messages are taken for it again. */
  renewed(partition: number, validUntil: number): void {
    const lease = this.leases.get(partition);
    if (lease === undefined) return;
    lease.validUntil = validUntil;
    lease.leaving = false;
  }

  /** Another replica owns the partition now, or nobody does. */
  lost(partition: number): void {
    const lease = this.leases.get(partition);
    if (lease === undefined) return;
    this.leases.delete(partition);
    (lease.leaving ? changes.handedBack : changes.lost).add(1);
    this.onLost(partition);
  }
}
