import { MillraceError } from '@millrace/kernel';
import { cancellationOf } from './until-aborted.js';

export interface FairQueueOptions {
  /** What is waited for, as a caller may read it. */
  readonly name: string;
  /** Who may go on at once. */
  readonly slots: number;
  /** Who may wait; one more is refused. */
  readonly size: number;
  /** How long anybody waits, in milliseconds. */
  readonly deadlineMs: number;
  readonly code: string;
}

export interface FairQueue {
  readonly waiting: number;
  /**
   * Runs the operation when it is the caller's turn. Owners take turns, however many calls each of them has waiting.
   * @throws MillraceError `options.code` (overloaded) when the queue is full or the time is over, `cancelled`; else what the
   *   operation threw
   */
  execute<Result>(owner: string, operation: () => Promise<Result>, signal: AbortSignal): Promise<Result>;
}

interface Waiter {
  readonly begin: () => void;
}

/** A bounded queue in which an owner with many calls does not keep one with few from its turn. */
export function fairQueue(options: FairQueueOptions): FairQueue {
  const { slots, size, deadlineMs, code, name } = options;
  /** Owners in the order of their turns; who was served goes to the end. */
  const owners = new Map<string, Waiter[]>();
  let running = 0;
  let waiting = 0;

  const busy = (): MillraceError => {
    const retryAfterSeconds = Math.max(1, Math.ceil(deadlineMs / 1_000));
    return new MillraceError('overloaded', code, `${name} is busy; try again soon.`, { retryAfterSeconds });
  };
  const leave = (owner: string, waiter: Waiter): void => {
    const others = (owners.get(owner) ?? []).filter((each) => each !== waiter);
    if (others.length === 0) owners.delete(owner);
    else owners.set(owner, others);
    waiting -= 1;
  };
  const serveNext = (): void => {
    const [next] = owners;
    if (next === undefined || running >= slots) return;
    const [owner, [waiter]] = next;
    if (waiter === undefined) return;
    leave(owner, waiter);
    const others = owners.get(owner);
    if (others !== undefined) {
      owners.delete(owner);
      owners.set(owner, others);
    }
    running += 1;
    waiter.begin();
  };
  const turn = (owner: string, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        finish();
      };
      const waiter: Waiter = { begin: () => settle(resolve) };
      const give = (error: () => MillraceError) => (): void => {
        leave(owner, waiter);
        settle(() => reject(error()));
      };
      const onAbort = give(() => cancellationOf(signal));
      const timer = setTimeout(give(busy), deadlineMs);
      signal.addEventListener('abort', onAbort, { once: true });
      owners.set(owner, [...(owners.get(owner) ?? []), waiter]);
      waiting += 1;
    });

  return {
    get waiting() {
      return waiting;
    },
    async execute(owner, operation, signal) {
      if (signal.aborted) throw cancellationOf(signal);
      if (running < slots && waiting === 0) running += 1;
      else if (waiting >= size) throw busy();
      else await turn(owner, signal);
      try {
        return await operation();
      } finally {
        running -= 1;
        serveNext();
      }
    },
  };
}
