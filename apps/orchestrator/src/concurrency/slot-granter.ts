/**
 * Grants shared keys and tells the runs.
 *
 * 1. A commit that made a request or ended one is followed by granting for its tenant; granting for a tenant happens one at a time here.
 * 2. What another replica owns is told by that replica's next sweep, as is whatever a crash left untold.
 */
import type { LeaseBook } from '../partition/lease-book.js';
import { SweptWork } from '../partition/swept-work.js';
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
  private readonly swept: SweptWork<string>;

  constructor(private readonly parts: SlotGranterParts) {
    this.swept = new SweptWork<string>({
      sweepMs: parts.sweepMs,
      keyOf: (tenantId) => tenantId,
      work: (tenantId) => this.grant(tenantId),
      sweep: () => this.sweep(),
    });
  }

  start(): void {
    this.swept.start();
  }

  stop(): void {
    this.swept.stop();
  }

  /** Learns of what a committed batch requested and ended. */
  note(turns: readonly Turn[]): void {
    for (const { key, slotsSet, slotsDropped } of turns)
      if (slotsDropped.length > 0 || slotsSet.some(({ isTaken }) => !isTaken)) this.swept.ask(key.tenantId);
  }

  private async grant(tenantId: string): Promise<void> {
    try {
      this.tellOwned(await this.parts.store.grant(tenantId));
    } catch (error) {
      this.parts.onFailure('Shared keys could not be granted; a later sweep tries again.', error);
    }
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
      for (const tenantId of waiting) this.swept.ask(tenantId);
    } catch (error) {
      this.parts.onFailure('Shared keys could not be read; trying again.', error);
    }
  }
}
