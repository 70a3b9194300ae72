/**
 * The bus as a program of a tenant has it: it takes tasks of one worker, answers them and hears of cancelled runs. It declares
 * nothing, asks the orchestrator for its consumer, and puts nothing aside as a blob, for it may do none of that.
 */
import { envelopeOf, openWorker, openWorkerSubject, type WorkerIdentity } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { customWorkerInbox, customWorkerUser } from '../access/custom-worker-permissions.js';
import type { DeclaredConsumer, MessageBus } from '../bus.js';
import { countingProblems } from '../metering.js';
import type { ReportProblem } from '../problem.js';
import { ConnectedBus, type JetStreamBus } from './connect-jetstream.js';
import { openConnection, type ConnectionOptions } from './connection.js';
import { JetStreamTransport } from './jetstream-transport.js';

export interface CustomWorkerConnection
  extends WorkerIdentity, Pick<ConnectionOptions, 'servers' | 'user' | 'pass' | 'token' | 'reconnectWaitMs'> {
  readonly onProblem?: ReportProblem;
  /** How often the consumer is checked for being there, in milliseconds. Default 15,000. */
  readonly watchIntervalMs?: number;
}

const publishTimeoutMs = 5_000;

/** Connects a program that works on the tasks of one worker. @throws MillraceError `bus_unavailable`, `bus_unauthorized` */
export async function connectCustomWorker(options: CustomWorkerConnection): Promise<JetStreamBus> {
  const { tenantId, worker, onProblem = () => undefined, watchIntervalMs = 15_000, ...rest } = options;
  const identity = { tenantId, worker };
  const report = countingProblems(onProblem);
  const name = customWorkerUser(identity);
  const connection = await openConnection({ ...rest, name, inboxPrefix: customWorkerInbox(identity) });
  const manager = await jetstreamManager(connection.nats, { checkAPI: false });
  const client = jetstream(connection.nats);
  const transport = new JetStreamTransport({
    ...{ connection, client, manager, report, watchIntervalMs },
    redeclareStreams: () => Promise.resolve(),
    declareConsumer: () => open(bus, identity),
  });
  const bus: ConnectedBus = new ConnectedBus(connection, { transport, report, publishTimeoutMs });
  return bus;
}

async function open(bus: MessageBus, identity: WorkerIdentity): Promise<DeclaredConsumer> {
  const context = { tenantId: identity.tenantId, correlationId: newId('cor'), causationId: null };
  const message = { subject: openWorkerSubject(identity), envelope: envelopeOf(openWorker, context, {}) };
  return openWorker.response.parse(await bus.request(message));
}
