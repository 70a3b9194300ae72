/** The bus over a transport: what both adapters must hold alike is done here, once. */
import type { Envelope } from '@millrace/contracts';
import { invalidInput, MillraceError } from '@millrace/kernel';
import type {
  BusHealth,
  ConsumerOptions,
  DeclaredConsumer,
  IncomingMessage,
  LiveMessage,
  Backlog,
  MessageBus,
  OutgoingMessage,
  PublishReceipt,
  RequestOptions,
  ResponderOptions,
  StoredMessage,
  StreamExtent,
  StreamPage,
  StreamStatus,
  Subscription,
} from './bus.js';
import type { BlobStore } from './claim-check/blob-store.js';
import { pack, payloadOf, type Parcel } from './claim-check/claim-check.js';
import { Consumer, type DeliveryHandler } from './consuming/consumer.js';
import { WorkInProgress } from './consuming/work-in-progress.js';
import { busPending, overloadRefusals } from '@millrace/telemetry';
import { monotonicNow, sendingMeter } from './metering.js';
import type { ReportProblem } from './problem.js';
import { Responder, type RequestHandler } from './responding/responder.js';
import { Subscriber, type SubscriptionHandler } from './subscribing/subscriber.js';
import { assertPattern, assertSubject } from './subject.js';
import { requireStream, streamOf, type StreamDefinition } from './topology.js';
import { inPublishSpan, inRequestSpan } from './tracing/message-spans.js';
import type { RawMessage, Transport } from './transport.js';
import { encodeEnvelope, incomingMessage } from './wire/envelope.js';
import { checkHeaders, noHeaders } from './wire/headers.js';
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

/** Messages of one page. */
const maximumPage = 1_000;
/** A page ends with the message that makes it larger than this. */
const fullPageBytes = 8 * 1024 * 1024;

export class TransportBus implements MessageBus {
  private readonly consumers = new Set<Consumer>();
  private readonly responders = new Set<Responder>();
  private readonly subscribers = new Set<Subscriber>();
  private readonly followersEnd = new AbortController();
  /** Followers that wait for a message; not those whose reader is busy with one. */
  private readonly following = new WorkInProgress();
  private pending = 0;
  private state: 'open' | 'draining' | 'closed' = 'open';
  private drained: Promise<void> | undefined;

  private readonly stopMeasuring = busPending.observe(() => [{ labels: {}, value: this.pending }]);

  constructor(private readonly platform: BusPlatform) {}

  async publish(outgoing: OutgoingMessage): Promise<PublishReceipt> {
    const { subject, envelope } = outgoing;
    this.assertOpen();
    assertSubject(subject);
    const stream = requireStream(subject);
    return inPublishSpan(this.platform.transport.system, outgoing, (headers) => {
      const parcel = this.pack(envelope, headers);
      return this.measured('publish', subject, async () => {
        const { payload, headers: packed } = parcel instanceof Promise ? await parcel : parcel;
        const message = { subject, payload, headers: packed, messageId: envelope.id };
        const receipt = await this.platform.transport.store(stream, message, this.platform.publishTimeoutMs);
        if (receipt.duplicate) sendingMeter(subject).duplicate();
        return receipt;
      });
    });
  }

  notify({ subject, envelope, headers }: OutgoingMessage): void {
    try {
      this.assertOpen();
      assertSubject(subject);
      const parcel = this.pack(envelope, headers);
      sendingMeter(subject).notified();
      if (parcel instanceof Promise) {
        const send = (packed: Parcel): void => this.platform.transport.send({ subject, ...packed });
        void parcel.then(send).catch((cause: unknown) => this.notSent(subject, cause));
      } else this.platform.transport.send({ subject, ...parcel });
    } catch (cause) {
      this.notSent(subject, cause);
    }
  }

  async request(outgoing: OutgoingMessage, options: RequestOptions = {}): Promise<unknown> {
    const { subject, envelope } = outgoing;
    this.assertOpen();
    assertSubject(subject);
    if (streamOf(subject) !== undefined) {
      // The transport answers a stored message itself, so its receipt would pass for the reply.
      throw new MillraceError('invalid', 'stored_subject', `"${subject}" is stored, not answered: publish to it.`);
    }
    const { timeoutMs = defaultRequestTimeoutMs, signal } = options;
    return inRequestSpan(this.platform.transport.system, outgoing, (headers) => {
      const parcel = this.pack(envelope, headers);
      return this.measured('request', subject, async () => {
        const packed = parcel instanceof Promise ? await parcel : parcel;
        const reply = await this.platform.transport.request({ subject, ...packed }, { timeoutMs, signal });
        return decodeReply(await payloadOf(this.platform.blobs, reply));
      });
    });
  }

  async respond(subject: string, options: ResponderOptions, handler: RequestHandler): Promise<Subscription> {
    this.assertTaking();
    assertPattern(subject);
    const responder = await Responder.start(this.platform, subject, options, handler);
    return this.keep(this.responders, responder);
  }

  async subscribe(subject: string, handler: SubscriptionHandler): Promise<Subscription> {
    this.assertTaking();
    assertPattern(subject);
    return this.keep(this.subscribers, await Subscriber.start(this.platform, subject, handler));
  }

  async consume(options: ConsumerOptions, handler: DeliveryHandler): Promise<Subscription> {
    this.assertTaking();
    assertPattern(options.subject);
    return this.keep(this.consumers, await Consumer.start(this.platform, options, handler));
  }

  async declare(options: Pick<ConsumerOptions, 'durableName' | 'subject' | 'ackWaitMs'>): Promise<DeclaredConsumer> {
    this.assertTaking();
    assertPattern(options.subject);
    return this.platform.transport.declare({ ...options, stream: requireStream(options.subject) });
  }

  async *follow(
    subject: string,
    options: { readonly afterSequence: number; readonly signal: AbortSignal },
  ): AsyncIterable<LiveMessage> {
    this.assertTaking();
    const stream = readableStream(subject);
    const { afterSequence } = options;
    const signal = AbortSignal.any([options.signal, this.followersEnd.signal]);
    let isWaiting = true;
    this.following.begin();
    try {
      for await (const raw of this.platform.transport.follow(stream, subject, { afterSequence, signal })) {
        const message = await this.readable(raw);
        if (message === undefined) continue;
        isWaiting = false;
        this.following.end();
        yield { ...message, sequence: raw.sequence, stream: raw.stream };
        this.following.begin();
        isWaiting = true;
      }
    } finally {
      // A reader that leaves does so while it has a message, and is not counted then.
      if (isWaiting) this.following.end();
    }
  }

  async read(
    subject: string,
    { afterSequence, limit }: { readonly afterSequence: number; readonly limit: number },
  ): Promise<StreamPage> {
    this.assertOpen();
    const stream = readableStream(subject);
    if (!Number.isInteger(limit) || limit < 1 || limit > maximumPage) {
      throw invalidInput('invalid_limit', `A page has 1 to ${maximumPage} messages, not ${limit}.`);
    }
    const page = await this.bounded(() => this.platform.transport.read(stream, subject, { afterSequence, limit }));
    const messages: StoredMessage[] = [];
    let bytes = 0;
    for (const raw of page.messages) {
      const message = await this.readable(raw, (size) => (bytes += size));
      if (message !== undefined) messages.push({ ...message, sequence: raw.sequence });
      // What was put aside as a blob is much more than the page that was fetched.
      if (bytes > fullPageBytes) return { ...page, messages, reachedSequence: raw.sequence };
    }
    return { ...page, messages };
  }

  async extent(subject: string): Promise<StreamExtent> {
    this.assertOpen();
    const stream = readableStream(subject);
    return this.bounded(() => this.platform.transport.extent(stream));
  }

  health(): Promise<BusHealth> {
    if (this.state === 'open') return Promise.resolve(this.platform.transport.health());
    return Promise.resolve({ ready: false, problems: [`the bus is ${this.state}`] });
  }

  async backlog({ durableName, subject }: Pick<ConsumerOptions, 'durableName' | 'subject'>): Promise<Backlog | null> {
    return await this.platform.transport.backlog(requireStream(subject), durableName);
  }

  inspect(): Promise<readonly StreamStatus[]> {
    return this.platform.transport.inspect();
  }

  drain({ graceMs }: { readonly graceMs: number }): Promise<void> {
    return (this.drained ??= this.drainOnce(graceMs));
  }

  private async drainOnce(graceMs: number): Promise<void> {
    this.state = 'draining';
    this.followersEnd.abort();
    const stopping = [...this.consumers, ...this.responders, ...this.subscribers].map((each) => each.stop());
    const done = Promise.allSettled([...stopping, this.following.idle()]);
    if (!(await settledWithin(done, graceMs))) {
      const reason = new MillraceError('unavailable', 'service_stopping', 'This replica is stopping; try again.');
      for (const consumer of this.consumers) consumer.handBackAll(reason);
      for (const responder of this.responders) responder.refuseUnanswered(reason);
    }
    this.state = 'closed';
    this.stopMeasuring();
    await this.platform.transport.close();
  }

  private pack(envelope: Envelope, headers: OutgoingMessage['headers'] = noHeaders): Parcel | Promise<Parcel> {
    if (headers !== noHeaders) checkHeaders(headers);
    return pack(this.platform.blobs, encodeEnvelope(envelope), headers);
  }

  /** Undefined, and reported, for what nobody can read. */
  private async readable(raw: RawMessage, weigh?: (bytes: number) => void): Promise<IncomingMessage | undefined> {
    try {
      const payload = await payloadOf(this.platform.blobs, raw);
      weigh?.(payload.byteLength);
      return incomingMessage(raw, payload);
    } catch (cause) {
      const { subject } = raw;
      this.platform.report({ code: 'message_skipped', message: 'It cannot be read.', subject, cause });
      return undefined;
    }
  }

  private async measured<Result>(
    operation: 'publish' | 'request',
    subject: string,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const meter = sendingMeter(subject);
    const beganAt = monotonicNow();
    try {
      const result = await this.bounded(work);
      meter.done(operation, beganAt);
      return result;
    } catch (error) {
      meter.failed(operation, beganAt, error);
      throw error;
    }
  }

  private async bounded<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.pending >= maximumPending) {
      overloadRefusals.at({ 'millrace.queue': 'bus' }).add(1);
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

  private notSent(subject: string, cause: unknown): void {
    this.platform.report({ code: 'notification_not_sent', message: 'A notification was dropped.', subject, cause });
  }

  /** While it drains, handlers may still publish and ask, but nobody begins to listen. */
  private assertTaking(): void {
    if (this.state === 'open') return;
    throw new MillraceError('unavailable', 'bus_closed', `The bus is ${this.state}.`);
  }

  private assertOpen(): void {
    if (this.state !== 'closed') return;
    throw new MillraceError('unavailable', 'bus_closed', 'The bus is closed.');
  }
}

/** @throws MillraceError `invalid_subject`, `not_a_stored_subject`, `work_queue_subject` */
function readableStream(subject: string): StreamDefinition {
  assertPattern(subject);
  const stream = requireStream(subject);
  if (stream.retention !== 'work-queue') return stream;
  throw new MillraceError('invalid', 'work_queue_subject', `"${subject}" is a work queue: consume it.`);
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
