/**
 * What lies under the bus: storing, passing and pulling messages as raw bytes. The two adapters (`jetstream/`,
 * `in-process/`) implement this; everything that both must hold alike is done once, above it.
 */
import type {
  Backlog,
  BusHealth,
  DeclaredConsumer,
  Headers,
  PublishReceipt,
  StreamExtent,
  StreamStatus,
} from './bus.js';
import type { StreamDefinition } from './topology.js';

export interface RawMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: Headers;
}

export interface StoredRawMessage extends RawMessage {
  readonly sequence: number;
}

export interface FollowedRawMessage extends StoredRawMessage {
  /** The identity of its stream. */
  readonly stream: string;
}

export interface RawPage {
  readonly messages: readonly StoredRawMessage[];
  readonly reachedSequence: number;
  readonly extent: StreamExtent;
}

/** A stored message that this process holds until it settles it. Settling what it lost meanwhile is the caller's fault. */
export interface HeldRawMessage extends StoredRawMessage {
  readonly deliveryCount: number;
  acknowledge(): void;
  /** To be delivered again, to anyone, after the delay. */
  handBack(delayMs: number): void;
  /** Never to be delivered again. */
  terminate(): void;
  /** The time until it is delivered again begins anew. */
  extend(): void;
}

export interface RawReply {
  readonly payload: Uint8Array;
  readonly headers: Headers;
}

export interface RawRequest extends RawMessage {
  /** Absent when nobody waits for an answer. */
  readonly reply?: (answer: RawReply) => void;
}

/** A durable consumer as it is declared. */
export interface DeclaredPull {
  readonly stream: StreamDefinition;
  readonly durableName: string;
  readonly subject: string;
  readonly ackWaitMs: number;
}

export interface PullOptions extends DeclaredPull {
  /** The most that `demand` ever gives. */
  readonly slots: number;
  /** How many messages may be on their way to this process now; asked again whenever it matters. */
  readonly demand: () => number;
  readonly onMessage: (message: HeldRawMessage) => void;
}

export interface Pull {
  /** Says that demand may have grown. */
  wake(): void;
  /** No message is delivered after it resolves; what arrives meanwhile still reaches `onMessage`. */
  stop(): Promise<void>;
}

export interface Listener {
  stop(): Promise<void>;
}

export interface Transport {
  /** As traces call it: `nats`, `in-process`. */
  readonly system: string;
  /** Stores once per `messageId` and window. @throws MillraceError `stream_full`, `publish_timeout`, `bus_unavailable` */
  store(
    stream: StreamDefinition,
    message: RawMessage & { readonly messageId: string },
    timeoutMs: number,
  ): Promise<PublishReceipt>;
  /** To whoever listens; dropped when nobody can be reached. */
  send(message: RawMessage): void;
  /** @throws MillraceError `no_responders`, `request_timeout`, `request_cancelled`, `bus_unavailable` */
  request(
    message: RawMessage,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<RawReply>;
  listen(pattern: string, queue: string | undefined, onMessage: (request: RawRequest) => void): Promise<Listener>;
  pull(options: PullOptions): Promise<Pull>;
  /** Makes a durable consumer where there is none. @throws MillraceError `consumer_conflict` */
  declare(declared: DeclaredPull): Promise<DeclaredConsumer>;
  follow(
    stream: StreamDefinition,
    pattern: string,
    options: { readonly afterSequence: number; readonly signal: AbortSignal },
  ): AsyncIterable<FollowedRawMessage>;
  /** @throws MillraceError `bus_unavailable`, `stream_unavailable` */
  read(
    stream: StreamDefinition,
    pattern: string,
    options: { readonly afterSequence: number; readonly limit: number },
  ): Promise<RawPage>;
  /** @throws MillraceError `bus_unavailable`, `stream_unavailable` */
  extent(stream: StreamDefinition): Promise<StreamExtent>;
  health(): BusHealth;
  /** Null where there is no such consumer. */
  backlog(stream: StreamDefinition, durableName: string): Promise<Backlog | null>;
  inspect(): Promise<readonly StreamStatus[]>;
  /** Sends what was handed over, then ends. */
  close(): Promise<void>;
}
