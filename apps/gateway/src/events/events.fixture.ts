/** What tests of events need: buses whose stream can be aged and wiped, events to send, and a reader of a stream. */
import type { CloudEvent, ResponseBodyOf, routes } from '@millrace/contracts';
import { connectJetStream, createInProcessBus, type MessageBus } from '@millrace/messaging';
import { type NatsServer, startNatsServer } from '@millrace/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { CallOptions, TestGateway } from '../gateway.fixture.js';

export const structured = { 'content-type': 'application/cloudevents+json' };
export const batched = { 'content-type': 'application/cloudevents-batch+json' };

let made = 0;
/** An event that no other is. */
export const anEvent = (fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  specversion: '1.0',
  id: `event-${(made += 1)}`,
  source: '/shop',
  type: 'order.placed.v1',
  data: { order: made },
  ...fields,
});

export type Published = ResponseBodyOf<typeof routes.publishEvents>['items'][number];
export type EventPage = ResponseBodyOf<typeof routes.listEvents>;

/** Publishes one event, or several as a batch. */
export async function publish(
  gateway: TestGateway,
  events: Record<string, unknown> | readonly Record<string, unknown>[],
  options: CallOptions = {},
): Promise<Published[]> {
  const headers = Array.isArray(events) ? batched : structured;
  const response = await gateway.call('/v1/events', { headers, body: events, ...options });
  if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
  return ((await response.json()) as { items: Published[] }).items;
}

export async function page(
  gateway: TestGateway,
  query: Readonly<Record<string, string>> = {},
  options: CallOptions = {},
): Promise<EventPage> {
  const response = await gateway.call(`/v1/events?${new URLSearchParams(query).toString()}`, options);
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as EventPage;
}

export interface Reader {
  readonly frames: EventSourceMessage[];
  readonly events: CloudEvent[];
  /** The last id, as a browser keeps it. */
  lastId(): string | undefined;
  readonly ended: Promise<void>;
  cut(): void;
}

export async function follow(
  gateway: TestGateway,
  query: Readonly<Record<string, string>> = {},
  lastEventId?: string,
  options: CallOptions = {},
): Promise<Reader> {
  const aborted = new AbortController();
  const headers = { accept: 'text/event-stream', ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) };
  const address = `/v1/events?${new URLSearchParams(query).toString()}`;
  const response = await gateway.call(address, { headers, signal: aborted.signal, ...options });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  const frames: EventSourceMessage[] = [];
  const events: CloudEvent[] = [];
  let lastId: string | undefined;
  const parser = createParser({
    onEvent: (frame) => {
      frames.push(frame);
      lastId = frame.id;
      if (frame.event === undefined) events.push(JSON.parse(frame.data) as CloudEvent);
    },
  });
  const ended = (async () => {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
      }
    } catch (error) {
      if (!aborted.signal.aborted) throw error;
    }
  })();
  return { frames, events, lastId: () => lastId, ended, cut: () => aborted.abort() };
}

/** A bus whose events can be made too old, or wiped. */
export interface EventWorld extends AsyncDisposable {
  readonly bus: MessageBus;
  /** Drops every event that is stored now, as their age does. */
  age(): Promise<void>;
  /** Makes the stream anew; `bus` may be another one afterwards. */
  wipe(): Promise<MessageBus>;
}

export async function inProcessWorld(): Promise<EventWorld> {
  let now = Date.now();
  const clock = { now: () => new Date(now) };
  let bus = createInProcessBus({ clock });
  return Promise.resolve({
    bus,
    age: () => {
      now += 4 * 24 * 3_600_000;
      return Promise.resolve();
    },
    wipe: () => {
      bus = createInProcessBus({ clock });
      return Promise.resolve(bus);
    },
    [Symbol.asyncDispose]: () => bus.drain({ graceMs: 0 }),
  });
}

export async function jetStreamWorld(): Promise<EventWorld> {
  const server: NatsServer = await startNatsServer({ exclusive: true });
  const bus = await connectJetStream({ servers: server.url, name: 'gateway' });
  const raw = await connect({ servers: server.url });
  const manager = await jetstreamManager(raw);
  return {
    bus,
    age: async () => void (await manager.streams.purge('EVENTS')),
    wipe: async () => {
      await manager.streams.delete('EVENTS');
      return bus;
    },
    [Symbol.asyncDispose]: async () => {
      await bus.drain({ graceMs: 0 });
      await raw.close();
      await server.stop();
    },
  };
}
