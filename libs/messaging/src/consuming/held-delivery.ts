import type { Envelope } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { Delivery, Headers, LossListener } from '../bus.js';
import type { HeldRawMessage } from '../transport.js';
import { noHeaders, readersHeaders } from '../wire/headers.js';

/**
 * A delivery in the hands of a handler. Once `ackWaitMs` passes in silence the message may be somebody else's: from
 * then on nothing is said about it any more, because a late ack would delete it under the second holder.
 */
export class HeldDelivery implements Delivery {
  envelope!: Envelope;
  headers: Headers = noHeaders;
  /** Where its consumer keeps it. */
  place = -1;
  private controller: AbortController | undefined;
  private timer: NodeJS.Timeout;
  private state: 'held' | 'settled' | 'lost' = 'held';
  private abortReason: MillraceError | undefined;
  private holder: LossListener | undefined;
  private isDone = false;

  constructor(
    private readonly raw: HeldRawMessage,
    ackWaitMs: number,
    private readonly onReleased: (how: 'settled' | 'lost') => void,
    private readonly onWorkDone: () => void,
  ) {
    this.timer = setTimeout(() => this.lose(), ackWaitMs);
    this.timer.unref();
  }

  get subject(): string {
    return this.raw.subject;
  }
  get sequence(): number {
    return this.raw.sequence;
  }
  get deliveryCount(): number {
    return this.raw.deliveryCount;
  }
  get message(): HeldRawMessage {
    return this.raw;
  }
  /** Whether its work is done. */
  get isWorkDone(): boolean {
    return this.isDone;
  }
  get isHeld(): boolean {
    return this.state === 'held';
  }

  /** Made when first asked for: most handlers never do. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.abortReason !== undefined) this.controller.abort(this.abortReason);
    }
    return this.controller.signal;
  }

  open(envelope: Envelope): void {
    this.envelope = envelope;
    this.headers = readersHeaders(this.raw.headers);
  }

  tellWhenLost(holder: LossListener): void {
    if (this.abortReason === undefined) this.holder = holder;
    else holder.deliveryLost();
  }

  heartbeat(): void {
    if (this.state !== 'held') return;
    this.timer.refresh();
    this.raw.extend();
  }

  workDone(): void {
    if (this.isDone || this.state !== 'held') return;
    this.isDone = true;
    this.onWorkDone();
  }

  /** Settles it once, if it is still ours; the slot is free afterwards. */
  settle(how: (message: HeldRawMessage) => void): void {
    if (this.state !== 'held') return;
    this.state = 'settled';
    clearTimeout(this.timer);
    this.holder = undefined;
    how(this.raw);
    this.onReleased('settled');
  }

  /** Takes it away from its handler and gives it back at once. */
  handBack(reason: MillraceError): void {
    if (this.state !== 'held') return;
    this.abort(reason);
    this.settle((message) => message.handBack(0));
  }

  private lose(): void {
    this.state = 'lost';
    this.abort(new MillraceError('timeout', 'delivery_lost', 'Silent for too long: the message is delivered again.'));
    this.onReleased('lost');
  }

  private abort(reason: MillraceError): void {
    this.abortReason = reason;
    this.controller?.abort(reason);
    this.holder?.deliveryLost();
  }
}
