import type { TaskData } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { Delivery } from '@millrace/messaging';
import { deadlineExceeded } from './outcome.js';

/** Why a task is let go without a result: its run is over, or another worker shall do it. */
export type LetGo = 'cancelled' | 'handed-back';

const longestTimerMs = 2 ** 31 - 1;

/**
 * A task that a slot is working on, and what may stop it. `working` aborts for every reason; `holding` aborts when the
 * task is let go, for then its result need not be sent either (a missed deadline is a result).
 */
export class ActiveTask {
  readonly working = new AbortController();
  readonly holding = new AbortController();
  letGo: LetGo | undefined;
  private deadlineTimer: NodeJS.Timeout | undefined;
  private readonly onDeliveryLost = (): void => this.release('handed-back');

  constructor(
    readonly delivery: Delivery,
    readonly data: TaskData,
    now: Date,
  ) {
    delivery.signal.addEventListener('abort', this.onDeliveryLost, { once: true });
    if (delivery.signal.aborted) this.onDeliveryLost();
    if (data.deadlineAt !== undefined) this.armDeadline(new Date(data.deadlineAt).getTime() - now.getTime());
  }

  /** Lets the task go; the first reason counts. */
  release(reason: LetGo): void {
    if (this.letGo !== undefined) return;
    this.letGo = reason;
    const error =
      reason === 'cancelled'
        ? new MillraceError('cancelled', 'run_cancelled', 'The run was cancelled.')
        : new MillraceError('unavailable', 'worker_draining', 'The worker hands its tasks back.');
    this.holding.abort(error);
    this.working.abort(error);
  }

  /** The work is over: from here on the deadline no longer matters. */
  endWork(): void {
    clearTimeout(this.deadlineTimer);
  }

  /** The task has left its slot. */
  end(): void {
    this.endWork();
    this.delivery.signal.removeEventListener('abort', this.onDeliveryLost);
  }

  private armDeadline(remainingMs: number): void {
    if (remainingMs <= 0) this.working.abort(deadlineExceeded());
    else if (remainingMs <= longestTimerMs) {
      this.deadlineTimer = setTimeout(() => this.working.abort(deadlineExceeded()), remainingMs);
    }
  }
}
