import type { MessageBus, StreamStatus } from '@millrace/messaging';
import {
  collectionFailures,
  consumerPending,
  consumerRedelivered,
  consumerUnacknowledged,
  sampleAtScrapes,
  strandedMessages,
  streamFill,
  streamMessages,
  streamSize,
} from '@millrace/telemetry';

const everyMs = 15_000;
const timeoutMs = 3_000;

/** Consumers of programs that tenants run themselves are shown as one: a label never says what a tenant chose. */
const consumerLabel = (name: string): string => (name.startsWith('worker=') ? 'custom-workers' : name);

/** Shows what the streams hold and how far their consumers are, while `isOwner` says so. @returns what ends it */
export function measureStreams(bus: MessageBus, isOwner: () => boolean): () => void {
  const failures = collectionFailures.at({ 'millrace.source': 'streams' });
  const sampled = sampleAtScrapes({
    everyMs,
    timeoutMs,
    take: () => (isOwner() ? bus.inspect() : Promise.resolve([])),
    onFailure: () => failures.add(1),
  });
  const streams = (): readonly StreamStatus[] => sampled.latest() ?? [];
  const ofStream = (valueOf: (stream: StreamStatus) => number) => () =>
    streams().map((stream) => ({ labels: { 'millrace.stream': stream.name }, value: valueOf(stream) }));
  const ofConsumer = (valueOf: (consumer: StreamStatus['consumers'][number]) => number) => () =>
    streams().flatMap((stream) =>
      [...Map.groupBy(stream.consumers, ({ name }) => consumerLabel(name))].map(([name, consumers]) => ({
        labels: { 'millrace.stream': stream.name, 'messaging.consumer.group.name': name },
        value: consumers.reduce((sum, consumer) => sum + valueOf(consumer), 0),
      })),
    );
  const stops = [
    streamMessages.observe(ofStream(({ messages }) => messages)),
    streamSize.observe(ofStream(({ bytes }) => bytes)),
    streamFill.observe(ofStream(({ fill }) => fill)),
    consumerPending.observe(ofConsumer(({ pending }) => pending)),
    consumerUnacknowledged.observe(ofConsumer(({ unacknowledged }) => unacknowledged)),
    consumerRedelivered.observe(ofConsumer(({ redelivered }) => redelivered)),
    strandedMessages.observe(() =>
      (['uncovered', 'exhausted'] as const).flatMap((reason) => {
        if (streams().length === 0) return [];
        const value = streams().reduce((sum, { stranded }) => sum + stranded[reason], 0);
        return [{ labels: { 'millrace.reason': reason }, value }];
      }),
    ),
  ];
  return () => {
    sampled.stop();
    for (const stop of stops) stop();
  };
}
