/** When to publish again: debts as soon as there are any, old outstanding tasks every now and then. */
import type { Clock } from '@millrace/kernel';
import type { LeaseBook } from '../partition/lease-book.js';
import type { Republisher } from './republisher.js';

const debtRoundMs = 1_000;

export class RepublishingRounds {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private stopped = true;
  private reconciledAt: number;

  constructor(
    private readonly republisher: Republisher,
    private readonly leases: LeaseBook,
    private readonly clock: Clock,
    private readonly reconcileAfterMs: number,
    private readonly onFailure: (message: string, error: unknown) => void,
  ) {
    this.reconciledAt = clock.now().getTime();
  }

  start(): void {
    this.stopped = false;
    this.wake();
  }

  /** Begins nothing new, and resolves when the current round is over. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    await this.round;
  }

  /** Looks for debts now. */
  wake(): void {
    if (this.stopped || this.round !== null) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.round = this.work().finally(() => {
      this.round = null;
      if (this.stopped) return;
      this.timer = setTimeout(() => this.wake(), Math.min(debtRoundMs, this.reconcileAfterMs / 2)).unref();
    });
  }

  private async work(): Promise<void> {
    try {
      await this.republisher.payDebts();
      await this.reconcileIfDue();
    } catch (error) {
      this.onFailure('Messages could not be published again; trying again.', error);
    }
  }

  private async reconcileIfDue(): Promise<void> {
    const now = this.clock.now();
    const sincePreviousMs = now.getTime() - this.reconciledAt;
    if (sincePreviousMs < this.reconcileAfterMs / 2) return;
    const partitions = this.leases.held().map((lease) => lease.partition);
    await this.republisher.reconcile(partitions, { now, sincePreviousMs, afterMs: this.reconcileAfterMs });
    this.reconciledAt = now.getTime();
  }
}
