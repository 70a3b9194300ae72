/**
 * What one durable consumer still has to do, shared by all that pull from it.
 *
 * 1. A message is in exactly one place: waiting, due again, delayed, or held by one puller.
 * 2. It leaves only by acknowledgement, termination, or the stream's age limit.
 * 3. What is due again goes before what was never delivered.
 * 4. Only the current holder can settle a message; an older holder's word changes nothing.
 */
import type { HeldRawMessage, PullOptions } from '../transport.js';
import { Fifo } from './fifo.js';
import type { StoredLog } from './stored-log.js';

interface Unsettled {
  deliveryCount: number;
  /** Runs out when the holder is silent, or when a delay is over. */
  timer: NodeJS.Timeout | undefined;
}

export class DurableQueue {
  private readonly waiting = new Fifo<number>();
  private readonly dueAgain = new Fifo<number>();
  private readonly unsettled = new Map<number, Unsettled>();
  private readonly pulls: PullOptions[] = [];
  private turn = 0;

  constructor(
    private readonly log: StoredLog,
    readonly pattern: string,
    private readonly schedule: (queue: DurableQueue) => void,
  ) {
    for (let next = log.next(pattern, 0); next !== undefined; next = log.next(pattern, next.sequence)) {
      this.waiting.push(next.sequence);
    }
  }

  /** What it still has to do, as the server of the other transport counts it. */
  get status(): { readonly pending: number; readonly unacknowledged: number; readonly redelivered: number } {
    const unsettled = [...this.unsettled.values()];
    return {
      pending: this.waiting.length,
      unacknowledged: unsettled.length,
      redelivered: unsettled.filter(({ deliveryCount }) => deliveryCount > 1).length,
    };
  }

  offer(sequence: number): void {
    this.waiting.push(sequence);
    this.schedule(this);
  }

  attach(pull: PullOptions): void {
    this.pulls.push(pull);
    this.schedule(this);
  }

  detach(pull: PullOptions): void {
    const index = this.pulls.indexOf(pull);
    if (index >= 0) this.pulls.splice(index, 1);
  }

  wake(): void {
    if (this.dueAgain.length + this.waiting.length > 0) this.schedule(this);
  }

  /** Delivers as long as there is a message and somebody with a free slot. */
  dispatch(): void {
    for (let pull = this.nextFree(); pull !== undefined; pull = this.nextFree()) {
      const sequence = this.dueAgain.shift() ?? this.waiting.shift();
      if (sequence === undefined) return;
      this.deliver(sequence, pull);
    }
  }

  close(): void {
    for (const { timer } of this.unsettled.values()) clearTimeout(timer);
    this.pulls.length = 0;
  }

  /** Whose turn it is among those with a free slot. */
  private nextFree(): PullOptions | undefined {
    for (let tried = 0; tried < this.pulls.length; tried += 1) {
      this.turn = (this.turn + 1) % this.pulls.length;
      const pull = this.pulls[this.turn];
      if (pull !== undefined && pull.demand() > 0) return pull;
    }
    return undefined;
  }

  private deliver(sequence: number, pull: PullOptions): void {
    const stored = this.log.get(sequence);
    if (stored === undefined) {
      this.unsettled.delete(sequence);
      return;
    }
    const state = this.unsettled.get(sequence) ?? { deliveryCount: 0, timer: undefined };
    this.unsettled.set(sequence, state);
    state.deliveryCount += 1;
    state.timer = this.after(pull.ackWaitMs, sequence);
    const deliveryCount = state.deliveryCount;
    // A timer that has fired is undefined, and the next holder has a higher count.
    const ifHolder = (act: () => void) => (): void => {
      if (state.timer !== undefined && state.deliveryCount === deliveryCount) act();
    };
    const message: HeldRawMessage = {
      ...stored,
      deliveryCount,
      acknowledge: ifHolder(() => this.settle(sequence, state)),
      terminate: ifHolder(() => this.settle(sequence, state)),
      extend: ifHolder(() => state.timer?.refresh()),
      handBack: (delayMs) => ifHolder(() => this.handBack(sequence, state, delayMs))(),
    };
    pull.onMessage(message);
  }

  private handBack(sequence: number, state: Unsettled, delayMs: number): void {
    clearTimeout(state.timer);
    // Without a timer nobody holds it: the former holder cannot settle it while it waits.
    state.timer = undefined;
    if (delayMs <= 0) this.dueNow(sequence);
    else this.delayed(sequence, delayMs);
  }

  private delayed(sequence: number, delayMs: number): void {
    setTimeout(() => this.dueNow(sequence), delayMs).unref();
  }

  private after(delayMs: number, sequence: number): NodeJS.Timeout {
    return setTimeout(() => {
      const state = this.unsettled.get(sequence);
      if (state !== undefined) state.timer = undefined;
      this.dueNow(sequence);
    }, delayMs).unref();
  }

  private dueNow(sequence: number): void {
    this.dueAgain.push(sequence);
    this.schedule(this);
  }

  private settle(sequence: number, state: Unsettled): void {
    clearTimeout(state.timer);
    state.timer = undefined;
    this.unsettled.delete(sequence);
    if (this.log.definition.retention === 'work-queue') this.log.remove(sequence);
  }
}
