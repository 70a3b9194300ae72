/**
 * A process that runs one service over NATS and Postgres: what each `main.ts` calls. It is alive as soon as it runs, ready
 * when the service is, drains on SIGTERM and SIGINT, and exits: 0 after draining, 78 when its configuration is wrong, 64 when its
 * arguments are, 1 when it cannot go on. With the argument `migrate` it brings the service's tables up to date and exits; with
 * that of an operator's task it does this.
 */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { DatabaseBackend } from '@millrace/database';
import { MillraceError } from '@millrace/kernel';
import { connectJetStream, type JetStreamBus } from '@millrace/messaging';
import {
  collectProcessMetrics,
  createLogger,
  describeError,
  parseLogLevels,
  redactText,
  startTracing,
  type Logger,
  type Tracing,
} from '@millrace/telemetry';
import type { ServiceDefinition } from '../service-definition.js';
import { readTaskOptions, runOperatorTask, type AnyOperatorTask } from './operator-task.js';
import { serveHealth, type HealthServer } from './health-server.js';
import { logFileOf } from './log-file-of.js';
import { readProcessConfiguration, type ProcessConfiguration } from './process-configuration.js';
import { migrateService, openBackend, prepareSchema } from './service-database.js';
import { startService, type RunningService } from './start-service.js';

const usageExitCode = 64;
/** Of errors with these codes; all others end with 1. */
const exitCodes: Readonly<Record<string, number>> = { invalid_configuration: 78, invalid_arguments: usageExitCode };
/** How long after the grace period the process may take to end by itself. */
const exitMarginMs = 5_000;
/** How long the last spans may take to be sent. */
const lastSpansMs = 2_000;

const usage = (service: string, tasks: readonly AnyOperatorTask[]): string =>
  [
    `Usage: node main.js [${['migrate', ...tasks.map(({ name, synopsis }) => `${name} ${synopsis}`)].join(' | ')}]`,
    '',
    `Runs the service ${service}, which is configured by variables of the environment.`,
    '  migrate   bring the tables of the service up to date, as the user of MILLRACE_DATABASE_MIGRATION_URL',
    '            (or else MILLRACE_DATABASE_URL), and exit: 0 done, 1 not possible, 78 wrong configuration',
    ...tasks.flatMap(({ name, explanation: [first, ...others] }) => [
      `  ${name.padEnd(9)} ${first}`,
      ...others.map((line) => `            ${line}`),
    ]),
    '',
  ].join('\n');

/**
 * Runs a service until it is told to stop, or does what the process's arguments ask for instead: to migrate, or one of the tasks
 * that the service has for operators. Never resolves: the process exits.
 */
export async function runService<Config>(
  definition: ServiceDefinition<Config>,
  tasks: readonly AnyOperatorTask[] = [],
): Promise<never> {
  const [command = 'run', ...rest] = process.argv.slice(2).filter((argument) => argument !== '--');
  const help = usage(definition.name, tasks);
  if ([command, ...rest].some((argument) => ['--help', '-h'].includes(argument))) {
    return exitWith(0, process.stdout, help);
  }
  const task = tasks.find(({ name }) => name === command);
  if (task === undefined && (rest.length > 0 || !['run', 'migrate'].includes(command))) {
    return exitWith(usageExitCode, process.stderr, `There is no "${[command, ...rest].join(' ')}".\n${help}`);
  }
  try {
    await (task === undefined ? work(definition, command) : answer(task, rest, definition));
    process.exit(0);
  } catch (error) {
    return exitBecause(command === 'run' ? `${definition.name} cannot run` : `${definition.name} ${command}`, error);
  }
}

async function work<Config>(definition: ServiceDefinition<Config>, command: string): Promise<void> {
  const configuration = readProcessConfiguration(process.env);
  const levels = parseLogLevels(configuration.logLevel);
  const logFile = await logFileOf(process.env);
  try {
    const options = logFile === undefined ? { format: configuration.logFormat } : { destination: logFile };
    const logger = createLogger({ levels, ...options }).child({ component: definition.name });
    if (command === 'migrate') await migrateService(definition, configuration, logger);
    else await runTraced(definition, configuration, logger);
  } finally {
    await logFile?.close();
  }
}

/** Its result stands alone on standard output, without lines of a log. */
async function answer<Config>(
  task: AnyOperatorTask,
  commandLine: readonly string[],
  definition: ServiceDefinition<Config>,
): Promise<void> {
  const values = readTaskOptions(task, commandLine);
  const { result, note } = await runOperatorTask(task, values, definition, readProcessConfiguration(process.env));
  if (note !== undefined) await write(process.stderr, `${note}\n`);
  await write(process.stdout, `${result}\n`);
}

/** Written out when it resolves: an exit cuts off what a pipe has not yet taken. */
const write = (stream: NodeJS.WriteStream, text: string): Promise<void> =>
  new Promise((resolve, reject) => stream.write(text, (error) => (error ? reject(error) : resolve())));

function exitWith(code: number, stream: NodeJS.WriteStream, text: string): never {
  stream.write(text);
  process.exit(code);
}

async function runTraced<Config>(
  definition: ServiceDefinition<Config>,
  configuration: ProcessConfiguration,
  logger: Logger,
): Promise<void> {
  const tracing = await startTracing({
    service: `millrace-${definition.name}`,
    environment: process.env,
    onProblem: (message, error) => logger.warn({ err: error }, `traces: ${message}`),
  });
  await new ServiceProcess(definition, configuration, logger, tracing).run();
}

/** The last words go to standard error as text: whoever started the process must understand them without a log viewer. */
function exitBecause(what: string, error: unknown): never {
  const { message, code, cause } = describeError(error);
  const because = cause === undefined ? '' : `\n  because: ${cause.message}`;
  process.stderr.write(redactText(`${what}: ${message}${because}${code === undefined ? '' : ` [${code}]`}\n`));
  process.exit(error instanceof MillraceError ? (exitCodes[error.code] ?? 1) : 1);
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
    private readonly tracing: Tracing,
  ) {}

  /** Resolves after a drain that was asked for. @throws whatever keeps the service from running */
  async run(): Promise<void> {
    const stopAsked = this.stopSignal();
    const crashed = this.crash();
    const starting = this.start();
    const early = await Promise.race([starting, stopAsked, crashed]);
    const signal = early ?? (await Promise.race([stopAsked, crashed, this.busEnd()]));
    const { drainGraceMs: graceMs } = this.configuration;
    this.logger.info({ signal, graceMs }, 'draining');
    // What is half started cannot be drained: its start is waited for, but no longer than a drain may take.
    if (early !== undefined) await Promise.race([starting.catch(() => undefined), crashed, pause(graceMs)]);
    await Promise.race([this.drain(), crashed]);
  }

  /** @throws when the connection to the bus has ended for good */
  private async busEnd(): Promise<never> {
    const error = await this.requireBus().closed();
    throw error ?? new Error('The connection to the bus has ended.');
  }

  private async start(): Promise<undefined> {
    const { definition, configuration, logger } = this;
    // Its errors come before any connection is made.
    definition.config(process.env);
    this.backend = openBackend(definition, configuration);
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
      reconnectWaitMs: configuration.natsReconnectWaitMs,
      onProblem: ({ cause, ...problem }) => logger.warn({ ...problem, err: cause }, 'bus trouble'),
    });
    const { bus, backend } = this;
    const schema = await prepareSchema(definition, configuration, logger);
    this.service = await startService(definition, { environment: process.env, bus, backend, schema, logger });
    logger.info({ health: this.healthServer?.url, url: this.service.url }, 'ready');
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
    await this.tracing.shutdown({ timeoutMs: lastSpansMs });
  }
}
