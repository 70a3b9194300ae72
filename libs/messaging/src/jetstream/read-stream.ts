/** Reads what a stream holds: its extent, and pages of it through a short-lived consumer that the server filters for. */
import { MillraceError, newId } from '@millrace/kernel';
import {
  AckPolicy,
  DeliverPolicy,
  type ConsumerInfo,
  type JetStreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
import { createInbox, nanos, type Msg } from '@nats-io/nats-core';
import type { StreamExtent } from '../bus.js';
import type { StreamDefinition } from '../topology.js';
import type { RawPage, StoredRawMessage } from '../transport.js';
import type { Connection } from './connection.js';
import { apiCode, hasApiCode } from './failures.js';
import { headersOf, positionOf } from './held-message.js';

export interface ReadPlatform {
  readonly connection: Connection;
  readonly manager: JetStreamManager;
  /** Makes the streams again after somebody wiped the server. */
  readonly redeclareStreams: () => Promise<void>;
}

const reconnectPatienceMs = 5_000;
/** A page is there at once; a server that goes silent in the middle of one is given up. */
const pageTimeoutMs = 5_000;
/** The server forgets the consumer of a reader that died in the middle of its page. */
const forgottenAfterMs = 10_000;
/** There was nothing, and there is nothing more. */
const endOfStored: ReadonlySet<number> = new Set([404, 408]);

/** @throws MillraceError `bus_unavailable`, `stream_unavailable` */
export async function extentOfStream(platform: ReadPlatform, stream: StreamDefinition): Promise<StreamExtent> {
  return extentIn(await attempt(platform, stream, () => platform.manager.streams.info(stream.name)));
}

/** @throws MillraceError `bus_unavailable`, `stream_unavailable` */
export async function readStream(
  platform: ReadPlatform,
  stream: StreamDefinition,
  pattern: string,
  options: { readonly afterSequence: number; readonly limit: number },
): Promise<RawPage> {
  return attempt(platform, stream, async () => {
    // Known before anything is asked for, so that whatever lies up to its end is among what comes.
    const extent = extentIn(await platform.manager.streams.info(stream.name));
    if (options.afterSequence >= extent.lastSequence) {
      return { messages: [], reachedSequence: extent.lastSequence, extent };
    }
    const consumer = await openConsumer(platform, stream, pattern, options.afterSequence);
    try {
      const messages = await fetchStored(platform, consumer, options.limit);
      const last = messages.at(-1)?.sequence ?? 0;
      const isWhole = messages.length < options.limit;
      return { messages, reachedSequence: isWhole ? Math.max(last, extent.lastSequence) : last, extent };
    } finally {
      void platform.manager.consumers.delete(stream.name, consumer.name).catch(() => undefined);
    }
  });
}

function openConsumer(
  { manager }: ReadPlatform,
  { name }: StreamDefinition,
  pattern: string,
  afterSequence: number,
): Promise<ConsumerInfo> {
  return manager.consumers.add(name, {
    name: newId('page'),
    filter_subject: pattern,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: afterSequence + 1,
    ack_policy: AckPolicy.None,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(forgottenAfterMs),
  });
}

/**
 * What is stored already, at most `batch` of it: the server says when there is nothing more. (The count of pending messages
 * that comes with a consumer is not always right for one subject among many.)
 */
function fetchStored(
  { connection: { nats, inboxPrefix } }: ReadPlatform,
  { name, stream_name: stream }: ConsumerInfo,
  batch: number,
): Promise<StoredRawMessage[]> {
  const { promise, resolve, reject } = Promise.withResolvers<StoredRawMessage[]>();
  const found: StoredRawMessage[] = [];
  const inbox = createInbox(inboxPrefix);
  const brokenOff = (cause?: unknown): void =>
    reject(new MillraceError('unavailable', 'stream_unavailable', `${stream} broke off in the middle.`, { cause }));
  const onMessage = ({ subject, data: payload, headers, reply = '' }: Msg): void => {
    found.push({ subject, payload, headers: headersOf(headers), sequence: positionOf(reply).sequence });
    if (found.length === batch) resolve(found);
  };
  const subscription = nats.subscribe(inbox, {
    callback: (error, message) => {
      if (error !== null) brokenOff(error);
      else if (message.subject !== inbox) onMessage(message);
      else if (endOfStored.has(message.headers?.code ?? 0)) resolve(found);
      else brokenOff(message.headers?.description);
    },
  });
  const timer = setTimeout(brokenOff, pageTimeoutMs);
  nats.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, JSON.stringify({ batch, no_wait: true }), {
    reply: inbox,
  });
  return promise.finally(() => {
    clearTimeout(timer);
    subscription.unsubscribe();
  });
}

const extentIn = ({ state, config, created }: StreamInfo): StreamExtent => ({
  identity: String(created),
  firstSequence: state.first_seq,
  lastSequence: state.last_seq,
  fullness: Math.max(shareOf(state.messages, config.max_msgs), shareOf(state.bytes, config.max_bytes)),
});

const shareOf = (used: number, bound: number): number => (bound > 0 ? used / bound : 0);

/** In the words of the bus; once more where the streams had to be made again. */
async function attempt<Result>(
  { connection, redeclareStreams }: ReadPlatform,
  { name }: StreamDefinition,
  work: () => Promise<Result>,
): Promise<Result> {
  await connection.whenConnected(reconnectPatienceMs);
  try {
    return await work().catch(async (error: unknown) => {
      if (!hasApiCode(error, apiCode.streamNotFound)) throw error;
      await redeclareStreams();
      return work();
    });
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw new MillraceError('unavailable', 'stream_unavailable', `The stream ${name} cannot be read now.`, { cause });
  }
}
