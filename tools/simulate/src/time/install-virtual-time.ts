/** Puts virtual time in the place of the timers, the monotonic clock and the randomness of this thread, for all code in it. */
import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';
import { beginning, type Scheduled, type VirtualTime } from './virtual-time.js';

interface Running {
  readonly time: VirtualTime;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
}

let running: Running | undefined;

const timeNow = (): VirtualTime => {
  if (running === undefined) throw new Error('Only a simulation may wait in this thread.');
  return running.time;
};

/** What takes the place of a timer of Node. */
class VirtualTimer {
  private scheduled: Scheduled;

  constructor(
    private readonly time: VirtualTime,
    private readonly act: () => void,
    private readonly delayMs: number,
    private readonly repeats: boolean,
  ) {
    this.scheduled = this.begin();
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return false;
  }

  refresh(): this {
    this.scheduled.act = null;
    this.scheduled = this.begin(this.scheduled);
    return this;
  }

  close(): void {
    this.scheduled.act = null;
  }

  private begin(before?: Scheduled): Scheduled {
    return this.time.schedule(
      this.delayMs,
      () => {
        if (this.repeats) this.scheduled = this.begin(this.scheduled);
        this.act();
      },
      before?.program,
    );
  }
}

type Act = (...values: unknown[]) => void;

const timer =
  (repeats: boolean) =>
  (act: Act, delayMs = 0, ...values: unknown[]): VirtualTimer =>
    new VirtualTimer(timeNow(), () => act(...values), delayMs, repeats);

const immediate = (act: Act, ...values: unknown[]): VirtualTimer =>
  new VirtualTimer(timeNow(), () => act(...values), 0, false);

const clear = (handle: VirtualTimer | undefined): void => handle?.close();

/** `setTimeout` of `node:timers/promises`. */
function pause<Value>(delayMs = 0, value?: Value, options: { readonly signal?: AbortSignal } = {}): Promise<Value> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const abort = (): void => {
      waiting.close();
      reject(signal?.reason as Error);
    };
    const waiting = timer(false)(() => {
      signal?.removeEventListener('abort', abort);
      resolve(value as Value);
    }, delayMs);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** For the rest of this thread's life. */
export function installVirtualTime(): void {
  Object.assign(globalThis, {
    setTimeout: timer(false),
    setInterval: timer(true),
    setImmediate: immediate,
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
  });
  Object.assign(timersPromises, { setTimeout: pause });
  syncBuiltinESMExports();
  performance.now = () => (running === undefined ? 0 : running.time.now - beginning);
  Math.random = () => running?.random() ?? 0;
  Date.now = () => running?.time.now ?? beginning;
}

/** Lets `work` have the thread's time. */
export function withTime<Result>(time: VirtualTime, random: () => number, work: () => Result): Result {
  running = { time, random };
  try {
    return work();
  } finally {
    running = undefined;
  }
}
