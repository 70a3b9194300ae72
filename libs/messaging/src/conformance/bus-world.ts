/** What the conformance suite needs of an adapter, and the small words its tests are written in. */
import { randomUUID } from 'node:crypto';
import { envelopeOf, type Envelope } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { eventually } from '@millrace/testing';
import type { Delivery, DeliveryOutcome, Headers, LiveMessage, MessageBus, OutgoingMessage } from '../bus.js';
import type { BlobStore } from '../claim-check/blob-store.js';
import type { BusProblem } from '../problem.js';
import type { StreamLimitOverrides } from '../topology.js';

export interface WorldOptions {
  readonly limits?: StreamLimitOverrides;
  /** In place of the adapter's own store. */
  readonly blobs?: BlobStore;
}

export interface BusWorld extends AsyncDisposable {
  close(): Promise<void>;
  /** The bus of one more replica; in one process all replicas share one. */
  connect(): Promise<MessageBus>;
  /** Stores bytes as they are, past every check: what a broken or hostile program might send. */
  storeRaw(subject: string, payload: Uint8Array, headers?: Headers): Promise<void>;
  /** Sends bytes as they are and gives the bytes of the reply. */
  requestRaw(subject: string, payload: Uint8Array): Promise<Uint8Array>;
  /** What the buses reported. */
  readonly problems: readonly BusProblem[];
}

export type OpenWorld = (options?: WorldOptions) => Promise<BusWorld>;

export const ack: DeliveryOutcome = { kind: 'ack' };

/** A token that no other test uses, so that tests may share a server. */
export const token = (): string => randomUUID().slice(0, 13);

export const message = (subject: string, data: unknown, id?: string): OutgoingMessage => ({
  subject,
  envelope: envelopeOf(
    { name: 'conformance.message', version: 1 },
    { tenantId: 'acme', correlationId: 'correlation', causationId: null },
    data,
    { id },
  ),
});

/** Publishes 0 to count - 1 as data, in order. */
export async function publishNumbers(bus: MessageBus, subject: string, count: number, from = 0): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => bus.publish(message(subject, from + index))));
}

/** How a consumer of tests is set up unless a test is about it. */
export const consumer = (subject: string, durableName = subject.replace(/[^a-z0-9]+/g, '-').replace(/-+$/, '')) => ({
  durableName,
  subject,
  slots: 4,
  ackWaitMs: 5_000,
  maxDeliveries: 3,
});

/** The code with which a promise fails. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'it did not fail';
  } catch (error) {
    return error instanceof MillraceError ? error.code : String(error);
  }
}

/** The dead letters of a subject, once there are so many. */
export async function deadLetters(bus: MessageBus, subject: string, count: number): Promise<LetterRead[]> {
  return firstOf(bus, `dlq.${subject}`, count);
}

interface LetterRead {
  readonly envelope: Envelope;
  readonly headers: Headers;
  readonly sequence: number;
}

/** The first messages that `follow` gives. */
export async function firstOf(
  bus: MessageBus,
  pattern: string,
  count: number,
  afterSequence = 0,
): Promise<LiveMessage[]> {
  const abort = new AbortController();
  const found: LiveMessage[] = [];
  for await (const each of bus.follow(pattern, { afterSequence, signal: abort.signal })) {
    found.push(each);
    if (found.length === count) break;
  }
  abort.abort();
  return found;
}

/** Collects what a handler sees. */
export class Seen {
  readonly deliveries: Delivery[] = [];
  get data(): unknown[] {
    return this.deliveries.map((delivery) => delivery.envelope.data);
  }
  readonly acked = (delivery: Delivery): Promise<DeliveryOutcome> => {
    this.deliveries.push(delivery);
    return Promise.resolve(ack);
  };
  async count(expected: number): Promise<void> {
    await eventually(() => this.deliveries.length >= expected, {
      describe: `${expected} deliveries arrive (now ${this.deliveries.length})`,
    });
  }
}

export const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);
