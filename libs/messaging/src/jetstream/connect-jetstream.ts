import { MillraceError } from '@millrace/kernel';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { MessageBus } from '../bus.js';
import type { BlobStore } from '../claim-check/blob-store.js';
import { ObjectStoreBlobs } from '../claim-check/object-store-blobs.js';
import { TransportBus } from '../message-bus.js';
import { countingProblems } from '../metering.js';
import type { ReportProblem } from '../problem.js';
import type { DeclaredPull } from '../transport.js';
import { topologyWith, type StreamLimitOverrides } from '../topology.js';
import { openConnection, type Connection, type ConnectionOptions } from './connection.js';
import { JetStreamTransport } from './jetstream-transport.js';
import { declareAnywhere, declareStreams } from './streams.js';

export interface JetStreamBusOptions extends ConnectionOptions {
  /** How many servers of a cluster keep each message. Default 1. */
  readonly replicas?: number;
  readonly limits?: StreamLimitOverrides;
  /** Where payloads over the claim-check size wait. Default: the object store of NATS. */
  readonly blobs?: BlobStore;
  readonly onProblem?: ReportProblem;
  /** How long one attempt to publish may take, in milliseconds. Default 5,000. */
  readonly publishTimeoutMs?: number;
  /** How often each consumer is checked for being there, in milliseconds. Default 15,000. */
  readonly watchIntervalMs?: number;
}

export interface JetStreamBus extends MessageBus {
  /** Resolves when the connection has ended for good, with the reason if nobody asked for it: the service should exit. */
  closed(): Promise<Error | undefined>;
}

/**
 * Connects to NATS and declares the streams.
 * @throws MillraceError `bus_unavailable`, `bus_unauthorized`, `jetstream_disabled`, `stream_conflict`
 */
export async function connectJetStream(options: JetStreamBusOptions): Promise<JetStreamBus> {
  const { replicas = 1, limits, onProblem = () => undefined } = options;
  const report = countingProblems(onProblem);
  const { publishTimeoutMs = 5_000, watchIntervalMs = 15_000 } = options;
  const connection = await openConnection(options);
  try {
    const manager = await managerOf(connection);
    const redeclareStreams = (): Promise<void> => declareStreams(manager, topologyWith(limits), replicas);
    await redeclareStreams();
    const client = jetstream(connection.nats);
    const declareConsumer = (declared: DeclaredPull) => declareAnywhere(manager, redeclareStreams, declared);
    const platform = { connection, client, manager, report, redeclareStreams, declareConsumer, watchIntervalMs };
    const transport = new JetStreamTransport(platform);
    const blobs = options.blobs ?? new ObjectStoreBlobs(client, replicas);
    return new ConnectedBus(connection, { transport, blobs, report, publishTimeoutMs });
  } catch (error) {
    await connection.nats.close();
    throw error;
  }
}

async function managerOf(connection: Connection): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(connection.nats);
  } catch (cause) {
    throw new MillraceError(
      'unavailable',
      'jetstream_disabled',
      'NATS is there, JetStream is not: start it with -js.',
      {
        cause,
      },
    );
  }
}

export class ConnectedBus extends TransportBus implements JetStreamBus {
  constructor(
    private readonly connection: Connection,
    platform: ConstructorParameters<typeof TransportBus>[0],
  ) {
    super(platform);
    void this.closed().then((cause) => {
      if (cause === undefined) return;
      platform.report({ code: 'bus_closed', message: 'The connection to NATS has ended for good.', cause });
    });
  }

  async closed(): Promise<Error | undefined> {
    return (await this.connection.nats.closed()) ?? undefined;
  }
}
