import type { TaskData } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { Delivery } from '@millrace/messaging';
import { IdleWatch } from './idle-watch.js';
import { attemptTimeout, deadlineExceeded, idleTimeout } from './outcome.js';

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
  private readonly limits: NodeJS.Timeout[] = [];
  private readonly idleWatch: IdleWatch | undefined;
  private readonly onDeliveryLost = (): void => this.release('handed-back');

  constructor(
    readonly delivery: Delivery,
    readonly data: TaskData,
    now: Date,
    beat: (ended: boolean) => void,
  ) {
    delivery.signal.addEventListener('abort', this.onDeliveryLost, { once: true });
    if (delivery.signal.aborted) this.onDeliveryLost();
    const { deadlineAt, attemptMs, idleMs } = data;
    if (deadlineAt !== undefined) this.limit(new Date(deadlineAt).getTime() - now.getTime(), deadlineExceeded);
    if (attemptMs !== undefined) this.limit(attemptMs, () => attemptTimeout(attemptMs));
    if (idleMs !== undefined) {
      const onIdle = (): void => this.working.abort(idleTimeout(idleMs));
      this.idleWatch = new IdleWatch(idleMs, { onIdle, beat });
    }
  }

  /** The work has got further. */
  progressed(): void {
    this.idleWatch?.progressed();
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

  /** The work is over: from here on no limit matters any more. */
  endWork(): void {
    for (const limit of this.limits.splice(0)) clearTimeout(limit);
    this.idleWatch?.stop();
  }

  /** The task has left its slot. */
  end(): void {
    this.endWork();
    this.delivery.signal.removeEventListener('abort', this.onDeliveryLost);
  }

  private limit(remainingMs: number, errorOf: () => MillraceError): void {
    if (remainingMs <= 0) this.working.abort(errorOf());
    else if (remainingMs <= longestTimerMs)
      this.limits.push(setTimeout(() => this.working.abort(errorOf()), remainingMs));
  }
}
