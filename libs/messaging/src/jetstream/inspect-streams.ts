/** What the server holds, asked of it for metrics: a few small requests, whatever is stored. */
import type { ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import { isCustomWork } from '@millrace/contracts';
import type { Backlog, ConsumerStatus, StreamStatus, StrandedMessages } from '../bus.js';
import { matchesSubject } from '../subject.js';
import { apiCode, hasApiCode } from './failures.js';
import { topology, type StreamDefinition } from '../topology.js';

/** Readers of streams make consumers of their own that come and go; more than so many are not looked through. */
const mostConsumers = 1_000;

export const inspectStreams = (manager: JetStreamManager): Promise<readonly StreamStatus[]> =>
  Promise.all(topology.map((stream) => inspectStream(manager, stream)));

/** One small request. */
export async function backlogOf(
  manager: JetStreamManager,
  stream: string,
  durableName: string,
): Promise<Backlog | null> {
  try {
    const { num_pending: pending, num_ack_pending: unacknowledged } = await manager.consumers.info(stream, durableName);
    return { pending, unacknowledged };
  } catch (error) {
    if (hasApiCode(error, apiCode.consumerNotFound, apiCode.streamNotFound)) return null;
    throw error;
  }
}

async function inspectStream(manager: JetStreamManager, stream: StreamDefinition): Promise<StreamStatus> {
  const isQueue = stream.retention === 'work-queue';
  // The subjects of a queue are few; those of events would name every tenant.
  const { state, config } = await manager.streams.info(stream.name, isQueue ? { subjects_filter: '>' } : undefined);
  const consumers = stream.name === 'LIVE' ? [] : await durableConsumers(manager, stream.name);
  return {
    name: stream.name,
    messages: state.messages,
    bytes: state.bytes,
    fill: Math.max(share(state.messages, config.max_msgs), share(state.bytes, config.max_bytes)),
    consumers: consumers.map(statusOf),
    stranded: isQueue ? strandedIn(state.subjects ?? {}, consumers) : { uncovered: 0, exhausted: 0 },
  };
}

const share = (used: number, limit: number): number => (limit > 0 ? used / limit : 0);

async function durableConsumers(manager: JetStreamManager, stream: string): Promise<ConsumerInfo[]> {
  const found: ConsumerInfo[] = [];
  let seen = 0;
  for await (const consumer of manager.consumers.list(stream)) {
    if (consumer.config.durable_name !== undefined) found.push(consumer);
    seen += 1;
    if (seen >= mostConsumers) break;
  }
  return found;
}

const statusOf = (consumer: ConsumerInfo): ConsumerStatus => ({
  name: consumer.name,
  pending: consumer.num_pending,
  unacknowledged: consumer.num_ack_pending,
  redelivered: consumer.num_redelivered,
});

const filtersOf = ({ config }: ConsumerInfo): readonly string[] =>
  config.filter_subjects ?? [
    config.filter_subject === undefined || config.filter_subject === '' ? '>' : config.filter_subject,
  ];

/**
 * A queue keeps a message until it is acknowledged, so what it holds on the subjects of a consumer is what that consumer has yet to
 * be given or has in hand. What is above that was delivered as often as a limit of the consumer allows, and never will be again.
 */
function strandedIn(subjects: Readonly<Record<string, number>>, consumers: readonly ConsumerInfo[]): StrandedMessages {
  let uncovered = 0;
  const stored = new Map<ConsumerInfo, number>();
  for (const [subject, count] of Object.entries(subjects)) {
    const owner = consumers.find((consumer) => filtersOf(consumer).some((filter) => matchesSubject(filter, subject)));
    if (owner !== undefined) stored.set(owner, (stored.get(owner) ?? 0) + count);
    else if (!isCustomWork(subject)) uncovered += count;
  }
  let exhausted = 0;
  for (const [consumer, count] of stored) {
    const isLimited = (consumer.config.max_deliver ?? -1) > 0;
    if (isLimited) exhausted += Math.max(0, count - consumer.num_pending - consumer.num_ack_pending);
  }
  return { uncovered, exhausted };
}
