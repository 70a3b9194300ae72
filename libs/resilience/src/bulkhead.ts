import { MillraceError } from '@millrace/kernel';
import { bulkheadCalls, overloadRefusals } from '@millrace/telemetry';
import { bulkhead as bulkheadPolicy, isBulkheadRejectedError } from 'cockatiel';
import { untilAborted } from './until-aborted.js';

export interface BulkheadOptions {
  /** What it protects, as a caller may read it. */
  readonly name: string;
  /** Operations at once. */
  readonly slots: number;
  /** Operations that may wait for a slot; one more is refused. */
  readonly queue: number;
  readonly code: string;
  /** What metrics call it, `model-provider`; without it nothing is measured. */
  readonly metric?: 'model-provider';
}

export interface Bulkhead {
  /**
   * Runs the operation when a slot is free. Waiting ends at once when the signal aborts, and the operation is not begun then.
   * @throws MillraceError `options.code` (overloaded) when the queue is full; else what the operation threw.
   */
  execute<Result>(operation: () => Promise<Result>, signal: AbortSignal): Promise<Result>;
}

/** Bounds how much of one thing happens at once, and how much may wait for it. */
export function bulkhead(options: BulkheadOptions): Bulkhead {
  const policy = bulkheadPolicy(options.slots, options.queue);
  const { metric } = options;
  if (metric !== undefined) {
    const waiting = (): number => options.queue - policy.queueSlots;
    bulkheadCalls.observe(() => [
      {
        labels: { 'millrace.bulkhead': metric, 'millrace.state': 'active' },
        value: options.slots - policy.executionSlots,
      },
      { labels: { 'millrace.bulkhead': metric, 'millrace.state': 'waiting' }, value: waiting() },
    ]);
  }
  const refusals = metric === undefined ? undefined : overloadRefusals.at({ 'millrace.queue': metric });
  return {
    async execute<Result>(operation: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
      const begin = () => {
        signal.throwIfAborted();
        return operation();
      };
      try {
        return await untilAborted(policy.execute(begin, signal), signal);
      } catch (error) {
        if (!isBulkheadRejectedError(error)) throw error;
        refusals?.add(1);
        throw new MillraceError('overloaded', options.code, `${options.name} is busy; try again soon.`, {
          cause: error,
          retryAfterSeconds: 1,
        });
      }
    },
  };
}
