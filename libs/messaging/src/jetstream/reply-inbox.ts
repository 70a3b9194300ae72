/**
 * Replies to many requests through one subscription: those of services, and the confirmations of JetStream, which are
 * replies too. (The client's own `request()` builds two errors with stack traces for each reply that arrives well, a tenth of
 * the whole cost of a task, and says nothing when the connection is lost.)
 */
import { InFlight, MillraceError } from '@millrace/kernel';
import { createInbox, type Msg, type MsgHdrs } from '@nats-io/nats-core';
import type { Connection } from './connection.js';

interface Pending {
  readonly resolve: (reply: Msg) => void;
  readonly reject: (error: MillraceError) => void;
  readonly subject: string;
  /** The reply's subject. */
  reply: string;
}

export interface Question {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

const noResponders = 503;

export class ReplyInbox {
  private readonly prefix: string;
  private readonly pending = new InFlight<Pending>();
  private asked = 0;

  constructor(private readonly connection: Connection) {
    this.prefix = `${createInbox(connection.inboxPrefix)}.`;
    connection.nats.subscribe(`${this.prefix}*`, {
      callback: (error, reply) => {
        if (error !== null) this.failAll('NATS refused the inbox for replies.', error);
        else this.settle(reply);
      },
    });
    connection.onDisconnect(() => this.failAll('The connection to NATS was lost while waiting.'));
    connection.onRefusal((subject, cause) => this.failRefused(subject, cause));
  }

  /**
   * Waits for the connection first, within the same time.
   * @throws MillraceError `no_responders`, `request_timeout`, `request_cancelled`, `bus_forbidden`, `bus_unavailable` (whether
   *   the message arrived is not known)
   */
  async ask(question: Question): Promise<Msg> {
    if (question.signal?.aborted === true) throw cancelled();
    const connected = this.connection.whenConnected(question.timeoutMs);
    if (connected !== undefined) await connected;
    return this.send(question);
  }

  private send({ subject, payload, headers, timeoutMs, signal }: Question): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', cancel);
        this.pending.remove(place, pending);
      };
      const fail = (error: MillraceError): void => {
        end();
        reject(error);
      };
      const cancel = (): void => fail(cancelled());
      const timer = setTimeout(() => {
        fail(new MillraceError('timeout', 'request_timeout', `No reply on "${subject}" within ${timeoutMs} ms.`));
      }, timeoutMs);
      signal?.addEventListener('abort', cancel, { once: true });
      const answered = (answer: Msg): void => {
        end();
        resolve(answer);
      };
      const pending: Pending = { subject, resolve: answered, reject: fail, reply: '' };
      const place = this.pending.add(pending);
      // A place is used again, so a number that is not tells a late reply from the one that is waited for.
      const reply = (pending.reply = `${this.prefix}${place}-${(this.asked += 1).toString(36)}`);
      const onRefused = (cause: unknown): void => fail(unavailable('NATS did not take the message.', cause));
      this.connection.publish({ subject, payload, headers, reply, onRefused });
    });
  }

  private settle(reply: Msg): void {
    const pending = this.pending.at(Number.parseInt(reply.subject.slice(this.prefix.length), 10));
    // Later than its time: nobody waits any more.
    if (pending?.reply !== reply.subject) return;
    if (reply.data.byteLength === 0 && reply.headers?.code === noResponders) {
      const text = `Nobody answers on "${pending.subject}".`;
      pending.reject(new MillraceError('unavailable', 'no_responders', text));
    } else pending.resolve(reply);
  }

  private failRefused(refused: string, cause: Error): void {
    const text = `NATS does not allow this user to publish to "${refused}".`;
    for (const { subject, reject } of this.pending) {
      if (subject === refused) reject(new MillraceError('unavailable', 'bus_forbidden', text, { cause }));
    }
  }

  private failAll(message: string, cause?: Error): void {
    for (const { reject } of this.pending) reject(unavailable(message, cause));
  }
}

const cancelled = (): MillraceError =>
  new MillraceError('cancelled', 'request_cancelled', 'The request was cancelled.');

const unavailable = (message: string, cause: unknown): MillraceError =>
  new MillraceError('unavailable', 'bus_unavailable', message, { cause });
