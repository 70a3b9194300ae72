import type { TaskData } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { Delivery, LossListener } from '@millrace/messaging';
import { IdleWatch } from './idle-watch.js';
import { attemptTimeout, deadlineExceeded, idleTimeout } from './outcome.js';

/** Why a task is let go without a result: its run is over, or another worker shall do it. */
export type LetGo = 'cancelled' | 'handed-back';

const longestTimerMs = 2 ** 31 - 1;

/**
 * A task that a slot is working on, and what may stop it. It is stopped for every reason; `holding` aborts only when the task is
 * let go, for then its result need not be sent either (a missed deadline is a result).
 */
export class ActiveTask implements LossListener {
  letGo: LetGo | undefined;
  private letGoReason: MillraceError | undefined;
  private onLetGo: ((reason: MillraceError) => void) | undefined;
  private holder: AbortController | undefined;
  private stopReason: MillraceError | undefined;
  private onStop: ((reason: MillraceError) => void) | undefined;
  private working: AbortController | undefined;
  private limits: NodeJS.Timeout[] | undefined;
  private readonly idleWatch: IdleWatch | undefined;

  constructor(
    readonly delivery: Delivery,
    readonly data: TaskData,
    now: Date,
    beat: (ended: boolean) => void,
  ) {
    delivery.tellWhenLost(this);
    const { deadlineAt, attemptMs, idleMs } = data;
    if (deadlineAt !== undefined) this.limit(new Date(deadlineAt).getTime() - now.getTime(), deadlineExceeded);
    if (attemptMs !== undefined) this.limit(attemptMs, () => attemptTimeout(attemptMs));
    if (idleMs !== undefined) {
      const onIdle = (): void => this.stop(idleTimeout(idleMs));
      this.idleWatch = new IdleWatch(idleMs, { onIdle, beat });
    }
  }

  /** For the work, which need not look at it. Made when first asked for: much work is done sooner than a signal is made. */
  get signal(): AbortSignal {
    if (this.working === undefined) {
      this.working = new AbortController();
      if (this.stopReason !== undefined) this.working.abort(this.stopReason);
    }
    return this.working.signal;
  }

  /** Made when first asked for, as above. */
  get holding(): AbortSignal {
    if (this.holder === undefined) {
      this.holder = new AbortController();
      if (this.letGoReason !== undefined) this.holder.abort(this.letGoReason);
    }
    return this.holder.signal;
  }

  /** Has one listener told when the task is let go, at once where it is. */
  tellWhenLetGo(listener: (reason: MillraceError) => void): void {
    if (this.letGoReason === undefined) this.onLetGo = listener;
    else listener(this.letGoReason);
  }

  get isStopped(): boolean {
    return this.stopReason !== undefined;
  }

  /** @throws MillraceError the reason for which it was stopped, where it was */
  throwIfStopped(): void {
    if (this.stopReason !== undefined) throw this.stopReason;
  }

  /**
   * Runs `work` until it settles, or until `settleMs` after the task was stopped: work that ignores its signal must not hold a
   * slot for ever. What it does later is ignored.
   * @throws the reason of the stop when it was stopped and the work did not succeed all the same; else what the work threw.
   */
  async run<Result>(work: () => Promise<Result>, settleMs: number): Promise<Result> {
    this.throwIfStopped();
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Result>((resolve, reject) => {
        this.onStop = (reason) => (timer = setTimeout(() => reject(reason), settleMs));
        // In a turn of its own: what it throws at once is its rejection.
        Promise.resolve().then(work).then(resolve, reject);
      });
    } catch (thrown) {
      this.throwIfStopped();
      throw thrown;
    } finally {
      this.onStop = undefined;
      clearTimeout(timer);
    }
  }

  deliveryLost(): void {
    this.release('handed-back');
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
    this.letGoReason = error;
    this.holder?.abort(error);
    this.onLetGo?.(error);
    this.stop(error);
  }

  private stop(reason: MillraceError): void {
    if (this.stopReason !== undefined) return;
    this.stopReason = reason;
    this.working?.abort(reason);
    this.onStop?.(reason);
  }

  /** The work is over: from here on no limit matters any more. */
  endWork(): void {
    for (const limit of this.limits ?? []) clearTimeout(limit);
    this.limits = undefined;
    this.idleWatch?.stop();
  }

  /** The task has left its slot. */
  end(): void {
    this.endWork();
  }

  private limit(remainingMs: number, errorOf: () => MillraceError): void {
    if (remainingMs <= 0) this.stop(errorOf());
    else if (remainingMs <= longestTimerMs)
      (this.limits ??= []).push(setTimeout(() => this.stop(errorOf()), remainingMs));
  }
}
