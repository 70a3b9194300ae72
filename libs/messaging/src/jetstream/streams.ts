/** Streams and consumers on the server, made or brought up to date by whoever comes first. */
import { MillraceError } from '@millrace/kernel';
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { maximumStoredBytes, type StreamDefinition } from '../topology.js';
import type { DeclaredConsumer } from '../bus.js';
import type { DeclaredPull } from '../transport.js';
import { apiCode, hasApiCode, isForbidden } from './failures.js';

/** Unacked deliveries of one consumer over all replicas: far above any sum of slots. */
const maximumUnacked = 20_000;

function configOf(stream: StreamDefinition, replicas: number) {
  return {
    name: stream.name,
    subjects: [stream.subjects],
    retention: stream.retention === 'work-queue' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    storage: stream.storage === 'file' ? StorageType.File : StorageType.Memory,
    discard: DiscardPolicy.New,
    max_age: nanos(stream.maxAgeMs),
    max_msgs: stream.maxMessages,
    max_bytes: stream.maxBytes,
    max_msg_size: maximumStoredBytes,
    duplicate_window: nanos(stream.duplicateWindowMs),
    num_replicas: replicas,
  } satisfies Partial<StreamConfig>;
}

/** Creates what is missing and updates what differs. Safe to be called by many at once. @throws MillraceError `stream_conflict` */
export async function declareStreams(
  manager: JetStreamManager,
  streams: readonly StreamDefinition[],
  replicas: number,
): Promise<void> {
  await Promise.all(streams.map((stream) => declareStream(manager, stream, replicas)));
}

async function declareStream(manager: JetStreamManager, stream: StreamDefinition, replicas: number): Promise<void> {
  const { name, ...config } = configOf(stream, replicas);
  try {
    await manager.streams.add({ name, ...config });
  } catch (error) {
    // Of many that make the same stream in one moment, the server tells some that its own subjects are taken.
    if (!hasApiCode(error, apiCode.streamNameInUse, apiCode.subjectsOverlap)) throw conflict(stream, error);
    try {
      await manager.streams.update(name, config);
    } catch (cause) {
      if (hasApiCode(cause, apiCode.streamNotFound)) throw conflict(stream, error);
      // One service brings streams up to date; the others work with what is there.
      if (!isForbidden(cause)) throw conflict(stream, cause);
    }
  }
}

function conflict({ name, subjects }: StreamDefinition, cause: unknown): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError('unavailable', 'stream_conflict', `${name} (${subjects}) cannot be declared: ${reason}.`, {
    cause,
  });
}

export const nextSubject = ({ stream, durableName }: Pick<DeclaredPull, 'stream' | 'durableName'>): string =>
  `$JS.API.CONSUMER.MSG.NEXT.${stream.name}.${durableName}`;

/** As `declareConsumer`, after a wiped server too. */
export async function declareAnywhere(
  manager: JetStreamManager,
  redeclareStreams: () => Promise<void>,
  declared: DeclaredPull,
): Promise<DeclaredConsumer> {
  try {
    return await declareConsumer(manager, declared);
  } catch {
    await redeclareStreams();
    return declareConsumer(manager, declared);
  }
}

/**
 * The durable consumer, as declared.
 * @throws MillraceError `consumer_conflict` when its name or subject belongs to another one
 */
async function declareConsumer(manager: JetStreamManager, declared: DeclaredPull): Promise<DeclaredConsumer> {
  const { stream, durableName, subject, ackWaitMs } = declared;
  const next = nextSubject(declared);
  try {
    const { config, created: madeAt } = await manager.consumers.info(stream.name, durableName);
    if (config.filter_subject !== subject) throw consumerConflict(declared);
    if (config.ack_wait !== nanos(ackWaitMs)) {
      await manager.consumers.update(stream.name, durableName, { ack_wait: nanos(ackWaitMs) });
    }
    return { created: false, madeAt, next };
  } catch (error) {
    if (!hasApiCode(error, apiCode.consumerNotFound)) throw error;
  }
  try {
    const { created: madeAt } = await manager.consumers.add(stream.name, {
      durable_name: durableName,
      filter_subject: subject,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ackWaitMs),
      deliver_policy: DeliverPolicy.All,
      max_ack_pending: maximumUnacked,
      // The server would forget a message after its last delivery; the consumer writes the dead letter itself instead.
      max_deliver: -1,
    });
    return { created: true, madeAt, next };
  } catch (error) {
    const taken = [apiCode.filterNotUnique, apiCode.consumerNameExists, apiCode.consumerAlreadyExists];
    if (hasApiCode(error, ...taken)) throw consumerConflict(declared, error);
    throw error;
  }
}

function consumerConflict({ stream, durableName, subject }: DeclaredPull, cause?: unknown): MillraceError {
  const text = `"${durableName}" cannot consume "${subject}": another consumer of ${stream.name} has that name or subject.`;
  return new MillraceError('conflict', 'consumer_conflict', text, { cause });
}
