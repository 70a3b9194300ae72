/**
 * Messages on their way out, handed to the client once per turn of the event loop. The client writes to its socket once
 * per microtask, so that messages which different promises send in one turn would cost a system call each, here and at
 * the server; together they cost one.
 *
 * 1. Messages leave in the order in which they were added, at the end of the turn at the latest.
 * 2. What cannot leave because the connection was lost within the turn is dropped, as on a wire that breaks: whoever
 *    waits for an answer hears of the loss itself.
 */
import type { MsgHdrs } from '@nats-io/nats-core';

export interface DepartingMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers?: MsgHdrs;
  readonly reply?: string;
  /** Hears why the client did not take it: too large, or the connection has ended. */
  readonly onRefused?: (cause: unknown) => void;
}

export class Departures {
  private waiting: DepartingMessage[] = [];
  private scheduled: NodeJS.Immediate | undefined;

  /** `send` gives a message to the client, which may throw. */
  constructor(
    private readonly send: (message: DepartingMessage) => void,
    private readonly isConnected: () => boolean,
  ) {}

  add(message: DepartingMessage): void {
    this.waiting.push(message);
    this.scheduled ??= setImmediate(() => this.leave());
  }

  /** Hands over what waits, now. */
  leave(): void {
    clearImmediate(this.scheduled);
    this.scheduled = undefined;
    const leaving = this.waiting;
    this.waiting = [];
    if (!this.isConnected()) return;
    for (const message of leaving) {
      try {
        this.send(message);
      } catch (cause) {
        message.onRefused?.(cause);
      }
    }
  }
}
