/**
 * Grants shared keys and tells the runs.
 *
 * 1. A commit that made a request or ended one is followed by granting for its tenant; granting for a tenant happens one at a time here.
 * 2. What another replica owns is told by that replica's next sweep, as is whatever a crash left untold.
 */
import type { LeaseBook } from '../partition/lease-book.js';
import type { Turn } from '../run/turn.js';
import type { Grant, SlotStore } from './slot.store.js';

export interface SlotGranterParts {
  readonly store: Pick<SlotStore, keyof SlotStore>;
  readonly leases: LeaseBook;
  readonly sweepMs: number;
  /** Tells a run that it has room. */
  readonly tell: (grant: Grant) => Promise<unknown>;
  readonly onFailure: (message: string, error: unknown) => void;
}

export class SlotGranter {
  /** By tenant: granting under way, and whether to grant again after it. */
  private readonly granting = new Map<string, { again: boolean }>();
  private sweeping: NodeJS.Timeout | null = null;
  private isStopped = true;

  constructor(private readonly parts: SlotGranterParts) {}

  start(): void {
    this.isStopped = false;
    void this.sweep();
  }

  stop(): void {
    this.isStopped = true;
    if (this.sweeping !== null) clearTimeout(this.sweeping);
  }

  /** Learns of what a committed batch requested and ended. */
  note(turns: readonly Turn[]): void {
    for (const { key, slotsSet, slotsDropped } of turns)
      if (slotsDropped.length > 0 || slotsSet.some(({ isTaken }) => !isTaken)) this.grantSoon(key.tenantId);
  }

  private grantSoon(tenantId: string): void {
    const underWay = this.granting.get(tenantId);
    if (underWay !== undefined) {
      underWay.again = true;
      return;
    }
    this.granting.set(tenantId, { again: false });
    void this.grant(tenantId);
  }

  private async grant(tenantId: string): Promise<void> {
    try {
      this.tellOwned(await this.parts.store.grant(tenantId));
    } catch (error) {
      this.parts.onFailure('Shared keys could not be granted; a later sweep tries again.', error);
    }
    const again = this.granting.get(tenantId)?.again === true && !this.isStopped;
    this.granting.delete(tenantId);
    if (again) this.grantSoon(tenantId);
  }

  private tellOwned(grants: readonly Grant[]): void {
    for (const grant of grants) {
      if (!this.parts.leases.owns(grant.key.partition)) continue;
      this.parts
        .tell(grant)
        .catch((error: unknown) => this.parts.onFailure('A run could not be told of its room; a sweep does.', error));
    }
  }

  private async sweep(): Promise<void> {
    try {
      const partitions = this.parts.leases.held().map(({ partition }) => partition);
      const { granted, waiting } = await this.parts.store.open(partitions);
      this.tellOwned(granted);
      for (const tenantId of waiting) this.grantSoon(tenantId);
    } catch (error) {
      this.parts.onFailure('Shared keys could not be read; trying again.', error);
    }
    if (!this.isStopped) this.sweeping = setTimeout(() => void this.sweep(), this.parts.sweepMs).unref();
  }
}
