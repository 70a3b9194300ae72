/**
 * The message bus: the one port between services, with two adapters (JetStream, in-process) that pass the same
 * conformance suite. What every adapter holds:
 *
 * 1. `publish` resolves after the message is stored; the same id again within the window is stored once.
 * 2. A consumed message that is neither acked, retried nor dead-lettered is delivered again after `ackWaitMs` of silence.
 * 3. Never more deliveries are worked on than there are slots; three times as many may be done and wait to be settled.
 * 4. Messages of one subject reach one consumer in the order in which they were stored (redeliveries aside).
 * 5. A message that cannot be processed ends among the dead letters with its reason; its neighbours go on.
 * 6. A payload over the claim-check size travels as a blob; neither side notices.
 * 7. `drain` takes nothing new, waits for what is being handled, and hands back the rest.
 */
import type { Envelope } from '@millrace/contracts';
import type { ErrorShape } from '@millrace/kernel';

export type Headers = Readonly<Record<string, string>>;

export interface OutgoingMessage {
  readonly subject: string;
  readonly envelope: Envelope;
  readonly headers?: Headers;
}

export interface PublishReceipt {
  /** Position in the stream, from 1. For a duplicate, that of the first. */
  readonly sequence: number;
  readonly duplicate: boolean;
}

export interface IncomingMessage {
  readonly subject: string;
  readonly envelope: Envelope;
  readonly headers: Headers;
}

export interface LossListener {
  /** The delivery is not this handler's any more. */
  deliveryLost(): void;
}

export interface Delivery extends IncomingMessage {
  /** 1 for the first delivery. An ack is not durable: handlers must be idempotent whatever this says. */
  readonly deliveryCount: number;
  readonly sequence: number;
  /** Aborted when the bus drains past its grace period or loses the message to somebody else. */
  readonly signal: AbortSignal;
  /** Tells one holder what the signal says, at once where it has said so. A signal and its listener cost more than many a delivery. */
  tellWhenLost(holder: LossListener): void;
  /** Says that the work goes on, so that `ackWaitMs` begins anew. */
  heartbeat(): void;
  /** Says that the work is done and only its outcome is to come: the slot is free for another. */
  workDone(): void;
}

/** What a handler decided about a delivery. Throwing is `retry` with backoff, and `dead-letter` on the last delivery. */
export type DeliveryOutcome =
  | { readonly kind: 'ack' }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly error?: ErrorShape }
  | { readonly kind: 'dead-letter'; readonly error: ErrorShape };

export interface ConsumerOptions {
  /** The name under which the position is kept; replicas of one service share it. */
  readonly durableName: string;
  /** One subject or one wildcard. */
  readonly subject: string;
  /** How many deliveries are worked on at once by this process. */
  readonly slots: number;
  readonly ackWaitMs: number;
  readonly maxDeliveries: number;
}

/** A durable consumer that somebody else, who may make none, is to take from. */
export interface DeclaredConsumer {
  /** Whether it had to be created. */
  readonly created: boolean;
  /** When it was made: another moment means another consumer of the same name. */
  readonly madeAt: string;
  /** Where its messages are asked for; '' in one process. */
  readonly next: string;
}

export interface Subscription {
  /** Takes nothing new, resolves when what is being handled is done. */
  stop(): Promise<void>;
}

export interface RequestOptions {
  readonly timeoutMs?: number;
  readonly headers?: Headers;
  readonly signal?: AbortSignal;
}

export interface ResponderOptions {
  /** Replicas with one queue name share the requests. */
  readonly queue: string;
  /** Beyond this many at once the caller gets `overloaded` (retryable) at once: no queue grows without bound. */
  readonly maxInFlight: number;
}

export interface StoredMessage extends IncomingMessage {
  readonly sequence: number;
}

export interface LiveMessage extends StoredMessage {
  /** The `identity` of the stream that holds it. */
  readonly stream: string;
}

/** What a stream holds now. */
export interface StreamExtent {
  /** Another one after the stream was made anew: sequences of one mean nothing in the other. */
  readonly identity: string;
  /** Of the oldest message that is held; `lastSequence + 1` when none is. */
  readonly firstSequence: number;
  /** Of the newest message that was ever stored; 0 before the first. */
  readonly lastSequence: number;
  /** The share of its bounds that is used, 0 to 1, by count or by size, whichever is larger. */
  readonly fullness: number;
}

export interface StreamPage {
  /** In the order in which they were stored. */
  readonly messages: readonly StoredMessage[];
  /** Every message up to this sequence is in this page or in one before it: the next page begins after it. */
  readonly reachedSequence: number;
  readonly extent: StreamExtent;
}

export interface BusHealth {
  readonly ready: boolean;
  /** Why it is not ready: the connection is down, a consumer is gone. Empty when ready. */
  readonly problems: readonly string[];
}

/** A durable consumer, over all replicas that pull from it. */
export interface ConsumerStatus {
  readonly name: string;
  /** Messages that it has yet to be given. */
  readonly pending: number;
  readonly unacknowledged: number;
  /** Of the unacknowledged ones, those that were delivered more than once. */
  readonly redelivered: number;
}

/** What a durable consumer still has to do, over all replicas that pull from it. */
export type Backlog = Pick<ConsumerStatus, 'pending' | 'unacknowledged'>;

/** Messages of a work queue that nobody will ever be given. */
export interface StrandedMessages {
  /** On subjects that no consumer has. */
  readonly uncovered: number;
  /** Delivered as often as their consumer allows. */
  readonly exhausted: number;
}

export interface StreamStatus {
  readonly name: 'TASKS' | 'EVENTS' | 'LIVE' | 'DEAD_LETTERS';
  readonly messages: number;
  readonly bytes: number;
  /** How full it is, 0 to 1, by messages or by bytes, whichever is more. */
  readonly fill: number;
  readonly consumers: readonly ConsumerStatus[];
  readonly stranded: StrandedMessages;
}

export interface MessageBus {
  /** Stores a message on the stream that owns its subject (`task.`, `evt.`, `live.*.tokens`, `dlq.`), deduplicated by the envelope's id. */
  publish(message: OutgoingMessage): Promise<PublishReceipt>;
  /** Sends without storing, to whoever listens now. Never waits, never fails the caller. */
  notify(message: OutgoingMessage): void;
  /**
   * Sends a request and gives the reply's data.
   * @throws MillraceError as the responder threw it; `no_responders` (unavailable), `request_timeout` (timeout).
   */
  request(message: OutgoingMessage, options?: RequestOptions): Promise<unknown>;
  /** Answers requests. What the handler throws travels to the caller as its kind, code and message; anything unexpected as `internal_error`. */
  respond(
    subject: string,
    options: ResponderOptions,
    handler: (message: IncomingMessage) => Promise<unknown>,
  ): Promise<Subscription>;
  /** Sees messages that pass while subscribed, stored or not; each subscriber sees each. */
  subscribe(subject: string, handler: (message: IncomingMessage) => void): Promise<Subscription>;
  /** Works through stored messages. */
  consume(options: ConsumerOptions, handler: (delivery: Delivery) => Promise<DeliveryOutcome>): Promise<Subscription>;
  /** Sees to it that messages wait for a durable consumer. @throws MillraceError `consumer_conflict` */
  declare(options: Pick<ConsumerOptions, 'durableName' | 'subject' | 'ackWaitMs'>): Promise<DeclaredConsumer>;
  /** Stored messages of a subject after a sequence, then those that follow, until the signal aborts. */
  follow(
    subject: string,
    options: { readonly afterSequence: number; readonly signal: AbortSignal },
  ): AsyncIterable<LiveMessage>;
  /**
   * Stored messages of a subject after a sequence, at most `limit` (1 to 1,000) of them; waits for none.
   * @throws MillraceError `not_a_stored_subject`, `work_queue_subject`, `bus_unavailable`, `stream_unavailable`
   */
  read(subject: string, options: { readonly afterSequence: number; readonly limit: number }): Promise<StreamPage>;
  /** What the stream of a subject holds. Errors as `read`. */
  extent(subject: string): Promise<StreamExtent>;
  health(): Promise<BusHealth>;
  /**
   * What one durable consumer still has to do; null where there is none of that name.
   * @throws MillraceError `not_a_stored_subject`, and what the transport throws
   */
  backlog(consumer: Pick<ConsumerOptions, 'durableName' | 'subject'>): Promise<Backlog | null>;
  /** What every stream holds now, of all services: for metrics, not for decisions. @throws what the transport throws */
  inspect(): Promise<readonly StreamStatus[]>;
  /** Ends every subscription and consumer within the grace period, then the connection. */
  drain(options: { readonly graceMs: number }): Promise<void>;
}
