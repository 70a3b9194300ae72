/** The bus over a transport: what both adapters must hold alike is done here, once. */
import type { Envelope } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type {
  BusHealth,
  ConsumerOptions,
  IncomingMessage,
  LiveMessage,
  MessageBus,
  OutgoingMessage,
  PublishReceipt,
  RequestOptions,
  ResponderOptions,
  Subscription,
} from './bus.js';
import type { BlobStore } from './claim-check/blob-store.js';
import { checkIn, isClaim, needsClaimCheck, redeem, type Parcel } from './claim-check/claim-check.js';
import { Consumer, type DeliveryHandler } from './consuming/consumer.js';
import { InOrder } from './consuming/in-order.js';
import { WorkInProgress } from './consuming/work-in-progress.js';
import type { ReportProblem } from './problem.js';
import { Responder, type RequestHandler } from './responding/responder.js';
import { assertPattern, assertSubject } from './subject.js';
import { requireStream, streamOf } from './topology.js';
import type { RawMessage, Transport } from './transport.js';
import { decodeEnvelope, encodeEnvelope } from './wire/envelope.js';
import { checkHeaders, noHeaders, readersHeaders } from './wire/headers.js';
import { decodeReply } from './wire/reply.js';

export interface BusPlatform {
  readonly transport: Transport;
  readonly blobs?: BlobStore;
  readonly report: ReportProblem;
  readonly publishTimeoutMs: number;
}

const defaultRequestTimeoutMs = 10_000;

/** Publishes and requests waiting for their answer at once; beyond them callers are told to wait. */
const maximumPending = 50_000;

export class TransportBus implements MessageBus {
  private readonly consumers = new Set<Consumer>();
  private readonly responders = new Set<Responder>();
  private readonly listeners = new Set<Subscription>();
  private readonly followersEnd = new AbortController();
  /** Followers that wait for a message; not those whose reader is busy with one. */
  private readonly following = new WorkInProgress();
  private pending = 0;
  private state: 'open' | 'draining' | 'closed' = 'open';
  private drained: Promise<void> | undefined;

  constructor(private readonly platform: BusPlatform) {}

  async publish({ subject, envelope, headers }: OutgoingMessage): Promise<PublishReceipt> {
    this.assertOpen();
    assertSubject(subject);
    const stream = requireStream(subject);
    const parcel = this.pack(envelope, headers);
    return this.bounded(async () => {
      const { payload, headers: packed } = parcel instanceof Promise ? await parcel : parcel;
      const message = { subject, payload, headers: packed, messageId: envelope.id };
      return this.platform.transport.store(stream, message, this.platform.publishTimeoutMs);
    });
  }

  notify({ subject, envelope, headers }: OutgoingMessage): void {
    try {
      this.assertOpen();
      assertSubject(subject);
      const parcel = this.pack(envelope, headers);
      if (parcel instanceof Promise) {
        const send = (packed: Parcel): void => this.platform.transport.send({ subject, ...packed });
        void parcel.then(send).catch((cause: unknown) => this.notSent(subject, cause));
      } else this.platform.transport.send({ subject, ...parcel });
    } catch (cause) {
      this.notSent(subject, cause);
    }
  }

  async request({ subject, envelope, headers }: OutgoingMessage, options: RequestOptions = {}): Promise<unknown> {
    this.assertOpen();
    assertSubject(subject);
    if (streamOf(subject) !== undefined) {
      // The transport answers a stored message itself, so its receipt would pass for the reply.
      throw new MillraceError('invalid', 'stored_subject', `"${subject}" is stored, not answered: publish to it.`);
    }
    const { timeoutMs = defaultRequestTimeoutMs, signal } = options;
    const parcel = this.pack(envelope, headers);
    return this.bounded(async () => {
      const packed = parcel instanceof Promise ? await parcel : parcel;
      const reply = await this.platform.transport.request({ subject, ...packed }, { timeoutMs, signal });
      return decodeReply(isClaim(reply.headers) ? await this.redeemed(reply.headers) : reply.payload);
    });
  }

  async respond(subject: string, options: ResponderOptions, handler: RequestHandler): Promise<Subscription> {
    this.assertOpen();
    assertPattern(subject);
    const responder = await Responder.start(this.platform, subject, options, handler);
    return this.keep(this.responders, responder);
  }

  async subscribe(subject: string, handler: (message: IncomingMessage) => void): Promise<Subscription> {
    this.assertOpen();
    assertPattern(subject);
    const inOrder = new InOrder();
    let stopped = false;
    const listener = await this.platform.transport.listen(subject, undefined, (raw) => {
      let message: IncomingMessage | undefined;
      const read = (payload: Uint8Array): void => {
        message = this.incoming(raw, payload);
      };
      const prepare = (): Promise<void> | undefined => {
        if (isClaim(raw.headers))
          return this.redeemed(raw.headers)
            .then(read)
            .catch((e: unknown) => this.skipped(raw, e));
        try {
          read(raw.payload);
        } catch (error) {
          this.skipped(raw, error);
        }
        return undefined;
      };
      inOrder.start(raw.subject, prepare, () => {
        if (message !== undefined && !stopped) this.callSafely(handler, message);
      });
    });
    const stop = async (): Promise<void> => {
      stopped = true;
      await listener.stop();
    };
    return this.keep(this.listeners, { stop });
  }

  async consume(options: ConsumerOptions, handler: DeliveryHandler): Promise<Subscription> {
    this.assertOpen();
    assertPattern(options.subject);
    return this.keep(this.consumers, await Consumer.start(this.platform, options, handler));
  }

  async *follow(
    subject: string,
    options: { readonly afterSequence: number; readonly signal: AbortSignal },
  ): AsyncIterable<LiveMessage> {
    this.assertOpen();
    assertPattern(subject);
    const stream = requireStream(subject);
    if (stream.retention === 'work-queue') {
      throw new MillraceError('invalid', 'work_queue_subject', `"${subject}" is a work queue: consume it.`);
    }
    const { afterSequence } = options;
    const signal = AbortSignal.any([options.signal, this.followersEnd.signal]);
    this.following.begin();
    try {
      for await (const raw of this.platform.transport.follow(stream, subject, { afterSequence, signal })) {
        const message = await this.readable(raw);
        if (message === undefined) continue;
        this.following.end();
        yield { ...message, sequence: raw.sequence };
        this.following.begin();
      }
    } finally {
      this.following.end();
    }
  }

  health(): Promise<BusHealth> {
    if (this.state === 'open') return Promise.resolve(this.platform.transport.health());
    return Promise.resolve({ ready: false, problems: [`the bus is ${this.state}`] });
  }

  drain({ graceMs }: { readonly graceMs: number }): Promise<void> {
    return (this.drained ??= this.drainOnce(graceMs));
  }

  private async drainOnce(graceMs: number): Promise<void> {
    this.state = 'draining';
    this.followersEnd.abort();
    const stopping = [...this.consumers, ...this.responders, ...this.listeners].map((each) => each.stop());
    const done = Promise.allSettled([...stopping, this.following.idle()]);
    if (!(await settledWithin(done, graceMs))) {
      const reason = new MillraceError('unavailable', 'service_stopping', 'This replica is stopping; try again.');
      for (const consumer of this.consumers) consumer.handBackAll(reason);
      for (const responder of this.responders) responder.refuseUnanswered(reason);
    }
    this.state = 'closed';
    await this.platform.transport.close();
  }

  private pack(envelope: Envelope, headers: OutgoingMessage['headers'] = noHeaders): Parcel | Promise<Parcel> {
    if (headers !== noHeaders) checkHeaders(headers);
    const payload = encodeEnvelope(envelope);
    const { blobs } = this.platform;
    return blobs !== undefined && needsClaimCheck(payload) ? checkIn(blobs, payload, headers) : { payload, headers };
  }

  private incoming(raw: RawMessage, payload: Uint8Array): IncomingMessage {
    return { subject: raw.subject, headers: readersHeaders(raw.headers), envelope: decodeEnvelope(payload) };
  }

  /** Undefined, and reported, for what nobody can read. */
  private async readable(raw: RawMessage): Promise<IncomingMessage | undefined> {
    try {
      return this.incoming(raw, isClaim(raw.headers) ? await this.redeemed(raw.headers) : raw.payload);
    } catch (error) {
      this.skipped(raw, error);
      return undefined;
    }
  }

  private redeemed(headers: RawMessage['headers']): Promise<Uint8Array> {
    if (this.platform.blobs !== undefined) return redeem(this.platform.blobs, headers);
    return Promise.reject(new MillraceError('unavailable', 'blob_unavailable', 'This bus has no store for payloads.'));
  }

  private async bounded<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.pending >= maximumPending) {
      throw new MillraceError('overloaded', 'bus_overloaded', 'Too many messages wait for the transport.', {
        retryAfterSeconds: 1,
      });
    }
    this.pending += 1;
    try {
      return await work();
    } finally {
      this.pending -= 1;
    }
  }

  private keep<Kept extends Subscription>(set: Set<Kept>, subscription: Kept): Subscription {
    set.add(subscription);
    return {
      stop: async () => {
        await subscription.stop();
        set.delete(subscription);
      },
    };
  }

  private callSafely(handler: (message: IncomingMessage) => void, message: IncomingMessage): void {
    try {
      handler(message);
    } catch (cause) {
      this.platform.report({ code: 'handler_failed', message: 'A subscriber threw.', subject: message.subject, cause });
    }
  }

  private skipped({ subject }: RawMessage, cause: unknown): void {
    this.platform.report({ code: 'message_skipped', message: 'A passing message cannot be read.', subject, cause });
  }

  private notSent(subject: string, cause: unknown): void {
    this.platform.report({ code: 'notification_not_sent', message: 'A notification was dropped.', subject, cause });
  }

  private assertOpen(): void {
    if (this.state !== 'closed') return;
    throw new MillraceError('unavailable', 'bus_closed', 'The bus is closed.');
  }
}

async function settledWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([work.then(() => true), expired]);
  } finally {
    clearTimeout(timer);
  }
}
