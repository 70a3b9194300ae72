/**
 * A process that runs one service over NATS and Postgres: what each `main.ts` calls. It is alive as soon as it runs, ready
 * when the service is, drains on SIGTERM and SIGINT, and exits: 0 after draining, 78 when its configuration is wrong,
 * 1 when it cannot go on.
 */
import { once } from 'node:events';
import { connectPostgres, type DatabaseBackend } from '@millrace/database';
import { MillraceError } from '@millrace/kernel';
import { connectJetStream, type JetStreamBus } from '@millrace/messaging';
import {
  collectProcessMetrics,
  createLogger,
  describeError,
  parseLogLevels,
  redactText,
  type Logger,
} from '@millrace/telemetry';
import type { ServiceDefinition } from '../service-definition.js';
import { serveHealth, type HealthServer } from './health-server.js';
import { readProcessConfiguration, type ProcessConfiguration } from './process-configuration.js';
import { startService, type RunningService } from './start-service.js';

const configurationExitCode = 78;
/** How long after the grace period the process may take to end by itself. */
const exitMarginMs = 3_000;

/** Runs a service until it is told to stop. Never resolves: the process exits. */
export async function runService<Config>(definition: ServiceDefinition<Config>): Promise<never> {
  try {
    const configuration = readProcessConfiguration(process.env);
    const levels = parseLogLevels(configuration.logLevel);
    const logger = createLogger({ levels, format: configuration.logFormat }).child({ component: definition.name });
    await new ServiceProcess(definition, configuration, logger).run();
    process.exit(0);
  } catch (error) {
    return exitBecause(definition.name, error);
  }
}

/** The last words go to standard error as text: whoever started the process must understand them without a log viewer. */
function exitBecause(service: string, error: unknown): never {
  const { message, code, cause } = describeError(error);
  const because = cause === undefined ? '' : `\n  because: ${cause.message}`;
  process.stderr.write(
    redactText(`${service} cannot run: ${message}${because}${code === undefined ? '' : ` [${code}]`}\n`),
  );
  const isConfiguration = error instanceof MillraceError && error.code === 'invalid_configuration';
  process.exit(isConfiguration ? configurationExitCode : 1);
}

class ServiceProcess<Config> {
  private bus: JetStreamBus | undefined;
  private backend: DatabaseBackend | undefined;
  private service: RunningService | undefined;
  private healthServer: HealthServer | undefined;

  constructor(
    private readonly definition: ServiceDefinition<Config>,
    private readonly configuration: ProcessConfiguration,
    private readonly logger: Logger,
  ) {}

  /** Resolves after a drain that was asked for. @throws whatever keeps the service from running */
  async run(): Promise<void> {
    const stopAsked = this.stopSignal();
    const crashed = this.crash();
    await Promise.race([this.start(), crashed]);
    const busEnded = this.requireBus()
      .closed()
      .then((error) => {
        throw error ?? new Error('The connection to the bus has ended.');
      });
    const signal = await Promise.race([stopAsked, crashed, busEnded]);
    this.logger.info({ signal, graceMs: this.configuration.drainGraceMs }, 'draining');
    busEnded.catch(() => undefined);
    await Promise.race([this.drain(), crashed]);
  }

  private async start(): Promise<void> {
    const { definition, configuration, logger } = this;
    // Its errors come before any connection is made.
    definition.config(process.env);
    this.backend = this.openBackend();
    collectProcessMetrics();
    const check = () =>
      this.service?.health() ?? Promise.resolve({ ready: false, problems: ['the service is starting'] });
    this.healthServer = await serveHealth(
      { check },
      { host: configuration.healthHost, port: configuration.healthPort },
    );
    this.bus = await connectJetStream({
      servers: configuration.natsServers.split(',').map((server) => server.trim()),
      name: definition.name,
      user: configuration.natsUser,
      pass: configuration.natsPassword,
      token: configuration.natsToken,
      replicas: configuration.natsReplicas,
      onProblem: ({ cause, ...problem }) => logger.warn({ ...problem, err: cause }, 'bus trouble'),
    });
    const { bus, backend } = this;
    this.service = await startService(definition, { environment: process.env, bus, backend, logger });
    logger.info({ health: this.healthServer?.url, url: this.service.url }, 'ready');
  }

  private openBackend(): DatabaseBackend | undefined {
    if (this.definition.migrations === undefined) return undefined;
    const { databaseUrl, databaseConnections } = this.configuration;
    if (databaseUrl === undefined) {
      const text = 'MILLRACE_DATABASE_URL is not set; for example postgres://user:password@host:5432/database';
      throw new MillraceError('invalid', 'invalid_configuration', text);
    }
    const applicationName = `millrace-${this.definition.name}`;
    return connectPostgres({ connectionString: databaseUrl, maxConnections: databaseConnections, applicationName });
  }

  private requireBus(): JetStreamBus {
    if (this.bus === undefined) throw new Error('The bus is not connected.');
    return this.bus;
  }

  /** A second signal ends the process at once. */
  private async stopSignal(): Promise<string> {
    const signal = await Promise.race(
      (['SIGTERM', 'SIGINT'] as const).map(async (name) => {
        await once(process, name);
        return name;
      }),
    );
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => process.exit(1));
    return signal;
  }

  /** An error that nobody caught leaves the process in a state nobody knows: it ends, and its work is delivered again. */
  private crash(): Promise<never> {
    return new Promise((_resolve, reject) => {
      const end = (error: unknown): void => {
        this.logger.fatal({ err: error }, 'uncaught error');
        reject(error instanceof Error ? error : new Error('Something that is no error was thrown.', { cause: error }));
      };
      process.once('uncaughtException', end);
      process.once('unhandledRejection', end);
    });
  }

  private async drain(): Promise<void> {
    const graceMs = this.configuration.drainGraceMs;
    const deadline = Date.now() + graceMs;
    setTimeout(() => process.exit(1), graceMs + exitMarginMs).unref();
    await this.service?.drain({ graceMs });
    await this.bus?.drain({ graceMs: Math.max(0, deadline - Date.now()) });
    await this.backend?.close();
    await this.healthServer?.close();
  }
}
