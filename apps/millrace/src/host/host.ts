/** The one process that hosts every service on a laptop: an in-process bus, one embedded Postgres, files. */
import { createKey, envelopeOf } from '@millrace/contracts';
import { type EmbeddedBackend, openEmbedded } from '@millrace/database';
import { MillraceError, newId } from '@millrace/kernel';
import { blobStorage, createInProcessBus, FolderBlobs, type MessageBus } from '@millrace/messaging';
import { type Environment, type HealthServer, type RunningService, serveHealth, startService } from '@millrace/service';
import {
  collectProcessMetrics,
  createLogger,
  type LogDestination,
  parseLogLevels,
  startTracing,
  type Tracing,
} from '@millrace/telemetry';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { requireFreePort } from './free-port.js';
import { services } from './services.js';

/** What the laptop's tenant is called; every key of this host belongs to it. */
const tenantId = 'default';
const defaultGraceMs = 20_000;
/** How long the last spans may take to be sent. */
const lastSpansMs = 2_000;

export interface HostOptions {
  readonly dataDirectory: string;
  /** On 127.0.0.1; 0 lets the system choose. */
  readonly port: number;
  /** Where `/healthz`, `/readyz` and `/metrics` are served, on 127.0.0.1; 0 lets the system choose. Absent: nowhere. */
  readonly healthPort?: number | undefined;
  readonly environment: Environment;
  /** Where logs go. */
  readonly log: LogDestination;
  /** Whether only errors are logged unless MILLRACE_LOG_LEVEL says otherwise. */
  readonly quiet: boolean;
  /** Gives up the start between two services; `startHost` throws its reason then. */
  readonly signal?: AbortSignal;
}

export interface Host {
  readonly url: string;
  /** Where its health and its metrics are, if they are served. */
  readonly healthUrl: string | undefined;
  /** A new admin key. */
  createKey(name: string): Promise<string>;
  /** An admin key where there is none yet. */
  createFirstKey(): Promise<string | undefined>;
  /** Takes nothing new, ends what is in progress or hands it back after the grace period (default 20 s), closes everything. */
  drain(options?: { readonly graceMs: number }): Promise<void>;
}

/**
 * Starts every service. What a person got wrong is said before anything is started.
 * @throws MillraceError `invalid_configuration`, `port_in_use`, `port_not_allowed`, `data_folder_unusable`, `data_folder_in_use`, …
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const { dataDirectory, signal } = options;
  const environment: Environment = {
    ...options.environment,
    MILLRACE_HTTP_HOST: '127.0.0.1',
    MILLRACE_HTTP_PORT: String(options.port),
    // The folder's lock lets one process in at a time, so the leases of the one before are void: no waiting for their end.
    MILLRACE_ORCHESTRATOR_REPLICA: 'embedded',
  };
  const levels = parseLogLevels(environment['MILLRACE_LOG_LEVEL'], options.quiet ? 'error' : 'info');
  const logger = createLogger({ levels, destination: options.log });
  for (const { config } of services) config(environment);
  await requireFreePort(options.port);
  if (options.healthPort !== undefined) await requireFreePort(options.healthPort);
  await makeFolder(dataDirectory);
  const tracing = await startTracing({
    service: 'millrace',
    environment,
    onProblem: (message, error) => logger.warn({ err: error }, `traces: ${message}`),
  });
  const backend = await openEmbedded({ dataDirectory: join(dataDirectory, 'database') }).catch(
    async (error: unknown) => {
      await tracing.shutdown({ timeoutMs: 0 });
      throw error;
    },
  );
  const blobs = new FolderBlobs(join(dataDirectory, 'blobs'));
  const bus = createInProcessBus({ blobs });
  const sweeping = sweepBlobs(blobs, (error) => logger.warn({ err: error }, 'old blobs could not be removed'));
  const running: RunningService[] = [];
  let draining: Promise<void> | undefined;
  let healthServer: HealthServer | undefined;
  const drain: Host['drain'] = ({ graceMs } = { graceMs: defaultGraceMs }) =>
    (draining ??= drainAll({ running, bus, backend, tracing }, graceMs).finally(() => {
      clearInterval(sweeping);
      return healthServer?.close();
    }));
  try {
    for (const definition of services) {
      signal?.throwIfAborted();
      running.push(await startService(definition, { environment, bus, backend, logger }));
    }
    if (options.healthPort !== undefined) healthServer = await serveOperators(running, options.healthPort);
  } catch (error) {
    await drain({ graceMs: 0 });
    throw error;
  }
  return {
    url: running.find((service) => service.url !== undefined)?.url ?? '',
    healthUrl: healthServer?.url,
    createKey: async (name) => (await requestKey(bus, name, false)) ?? '',
    createFirstKey: () => requestKey(bus, 'first', true),
    drain,
  };
}

const sweepEveryMs = 3_600_000;

/**
 * Removes large payloads that no message can refer to any more: each that is sent begins its time anew, and it is longer than any message
 * waits. (In the object store of NATS they go by themselves.)
 */
function sweepBlobs(blobs: FolderBlobs, onFailure: (error: unknown) => void): NodeJS.Timeout {
  const sweep = () => void blobs.prune(new Date(Date.now() - blobStorage.maxAgeMs)).catch(onFailure);
  sweep();
  return setInterval(sweep, sweepEveryMs).unref();
}

/** Beside the API, never on its port: what is measured is nobody's business but the operator's. */
function serveOperators(running: readonly RunningService[], port: number): Promise<HealthServer> {
  collectProcessMetrics();
  const check = async () => {
    const answers = await Promise.all(running.map((service) => service.health()));
    const problems = answers.flatMap((answer, index) =>
      answer.problems.map((problem) => `${running[index]?.name ?? ''}: ${problem}`),
    );
    return { ready: answers.every(({ ready }) => ready), problems };
  };
  return serveHealth({ check }, { host: '127.0.0.1', port });
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code;
    const message = `The data folder ${path} cannot be made (${reason}). Choose another one with --data.`;
    throw new MillraceError('invalid', 'data_folder_unusable', message, { cause });
  }
}

async function requestKey(bus: MessageBus, name: string, onlyFirst: boolean): Promise<string | undefined> {
  const context = { tenantId, correlationId: newId('cor'), causationId: null };
  const envelope = envelopeOf(createKey, context, { name, role: 'admin', onlyFirst });
  const reply = createKey.response.parse(await bus.request({ subject: createKey.subject, envelope }));
  return reply.key?.secret;
}

interface HostParts {
  readonly running: readonly RunningService[];
  readonly bus: MessageBus;
  readonly backend: EmbeddedBackend;
  readonly tracing: Tracing;
}

async function drainAll({ running, bus, backend, tracing }: HostParts, graceMs: number): Promise<void> {
  // One that cannot end in order must not keep the others from it.
  const failures: unknown[] = [];
  const end = (work: Promise<void>) => work.catch((error: unknown) => void failures.push(error));
  for (const service of running.toReversed()) await end(service.drain({ graceMs }));
  await end(bus.drain({ graceMs }));
  await end(backend.close());
  await tracing.shutdown({ timeoutMs: lastSpansMs });
  if (failures.length > 0) throw new AggregateError(failures, 'Not everything ended in order.');
}
