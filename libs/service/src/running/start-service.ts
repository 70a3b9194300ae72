/**
 * Starts one service from its definition. What starts in which order:
 *
 * 1. configuration and subscriptions are checked: nothing is touched when they are wrong;
 * 2. the database is opened, and migrated unless the host says to check only;
 * 3. Nest builds the modules and runs `onModuleInit` and `onApplicationBootstrap` of all of them; a service may use the bus
 *    directly there (a raw `bus.respond`, say);
 * 4. the inbox is bound, then HTTP listens.
 *
 * Draining goes the other way: readiness says no, the inbox takes nothing new and ends what it has, then Nest's shutdown
 * hooks run (and with them HTTP ends), then the database closes. Bus and backend belong to the host and stay.
 */
import { openDatabase, type Database, type DatabaseBackend, type SchemaPolicy } from '@millrace/database';
import { MillraceError, systemClock, type Clock } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import type { Logger } from '@millrace/telemetry';
import { Module, type DynamicModule, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { nestLogger } from '../platform/nest-logger.js';
import { PlatformModule } from '../platform/platform-module.js';
import type { Environment, ServiceDefinition, ServiceHealth } from '../service-definition.js';
import { BusTransport } from '../transport/bus-transport.js';
import { checkSubscriptions } from '../transport/check-subscriptions.js';
import { subscriptionController } from '../transport/subscription-controller.js';
import { DependencyHealth } from './health.js';
import { fastifyAdapter, listen } from './http-application.js';
import { measureService } from './service-metrics.js';

/** Work that was aborted at the end of the grace period may take this long to notice. */
const drainMarginMs = 2_000;

/** What a host gives a service to stand on. */
export interface ServiceHost {
  readonly environment: Environment;
  readonly bus: MessageBus;
  /** Not needed by a service without migrations. */
  readonly backend?: DatabaseBackend;
  /** Default `migrate`. */
  readonly schema?: SchemaPolicy;
  readonly logger: Logger;
  readonly clock?: Clock;
}

export interface RunningService {
  readonly name: string;
  /** Where HTTP is served, for services that do. */
  readonly url?: string;
  health(): Promise<ServiceHealth>;
  /** A provider of the service's modules, for the host that runs it. */
  get<Provider>(token: Type<Provider> | symbol | string): Provider;
  /** Ends the service within the grace period; tasks that are not done by then are handed back. Safe to call twice. */
  drain(options: { readonly graceMs: number }): Promise<void>;
}

/**
 * Starts a service. Whatever was opened is closed again when it cannot start.
 * @throws MillraceError `invalid_configuration`, `invalid_subscriptions`, `database_missing`, and what its modules throw.
 */
export async function startService<Config>(
  definition: ServiceDefinition<Config>,
  host: ServiceHost,
): Promise<RunningService> {
  const config = definition.config(host.environment);
  checkSubscriptions(definition.name, definition.subscriptions);
  const database = await openServiceDatabase(definition, host);
  const health = new DependencyHealth(host.bus, database);
  const starting = new ServiceInProcess(definition, host, config, database, health);
  try {
    return await starting.start();
  } catch (error) {
    await starting.drain({ graceMs: 0 }).catch(() => undefined);
    throw error;
  }
}

async function openServiceDatabase<Config>(
  { name, migrations }: ServiceDefinition<Config>,
  { backend, schema }: ServiceHost,
): Promise<Database<unknown> | undefined> {
  if (migrations === undefined) return undefined;
  if (backend === undefined) {
    throw new MillraceError('internal', 'database_missing', `${name} has tables, but its host gave it no database.`);
  }
  return openDatabase<unknown>({ backend, service: name, migrations, schema });
}

/** A handler that does not end must not keep its process alive. */
async function within(work: Promise<void>, timeoutMs: number): Promise<boolean> {
  const { promise: timedOut, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timeoutMs);
  try {
    return await Promise.race([work.then(() => true), timedOut]);
  } finally {
    clearTimeout(timer);
  }
}

@Module({})
class RootModule {}

class ServiceInProcess<Config> implements RunningService {
  readonly name: string;
  url: string | undefined;
  private readonly transport: BusTransport;
  private readonly logger: Logger;
  private application: INestApplicationContext | undefined;
  private draining: Promise<void> | undefined;
  private stopMeasuring: (() => void) | undefined;

  constructor(
    private readonly definition: ServiceDefinition<Config>,
    private readonly host: ServiceHost,
    private readonly config: Config,
    private readonly database: Database<unknown> | undefined,
    private readonly dependencies: DependencyHealth,
  ) {
    this.name = definition.name;
    this.logger = host.logger.child({ component: definition.name });
    const checkReplies = host.environment['NODE_ENV'] !== 'production';
    const { subscriptions } = definition;
    const { bus } = host;
    this.transport = new BusTransport({
      service: this.name,
      bus,
      subscriptions,
      config,
      logger: this.logger,
      checkReplies,
    });
  }

  async start(): Promise<this> {
    if (this.definition.http === undefined) await this.startWithoutHttp();
    else await this.startWithHttp(this.definition.http);
    this.stopMeasuring = measureService(this.name, this.dependencies);
    this.logger.info({ subscriptions: this.definition.subscriptions.length, url: this.url }, 'started');
    return this;
  }

  health(): Promise<ServiceHealth> {
    return this.dependencies.check();
  }

  get<Provider>(token: Type<Provider> | symbol | string): Provider {
    if (this.application === undefined) throw new Error(`${this.name} is not running.`);
    return this.application.get<Provider>(token, { strict: false });
  }

  drain(options: { readonly graceMs: number }): Promise<void> {
    this.draining ??= this.drainOnce(options.graceMs);
    return this.draining;
  }

  private async startWithoutHttp(): Promise<void> {
    const application = await NestFactory.createMicroservice<MicroserviceOptions>(this.rootModule(), {
      strategy: this.transport,
      logger: nestLogger(this.host.logger),
      abortOnError: false,
    });
    this.application = application;
    await application.listen();
  }

  private async startWithHttp(http: NonNullable<ServiceDefinition<Config>['http']>): Promise<void> {
    const adapter = fastifyAdapter(http, this.config, this.logger);
    const application = await NestFactory.create<NestFastifyApplication>(this.rootModule(), adapter, {
      logger: nestLogger(this.host.logger),
      abortOnError: false,
    });
    this.application = application;
    application.connectMicroservice<MicroserviceOptions>({ strategy: this.transport }, { inheritAppConfig: true });
    await http.configure?.(application, this.config);
    await application.init();
    await application.startAllMicroservices();
    this.url = await listen(application, http, this.config);
  }

  private rootModule(): DynamicModule {
    const { module, subscriptions } = this.definition;
    const { bus, clock = systemClock } = this.host;
    const { config, logger, database, dependencies: health } = this;
    const platform = PlatformModule.of({ bus, database, config, logger, clock, health });
    const controllers = subscriptions.map((subscription) => subscriptionController(subscription));
    return { module: RootModule, imports: [platform, { module, controllers }] };
  }

  private async drainOnce(graceMs: number): Promise<void> {
    const deadline = Date.now() + graceMs;
    this.dependencies.startDraining();
    const isDrained = await within(this.transport.drain({ graceMs }), graceMs + drainMarginMs);
    if (!isDrained) this.logger.warn({ graceMs }, 'handlers still run after the grace period and are left behind');
    await this.closeApplication(Math.max(0, deadline - Date.now()));
    this.stopMeasuring?.();
    await this.database?.close();
    this.logger.info('drained');
  }

  /** Requests that are still open at the end of the grace period are cut. */
  private async closeApplication(graceMs: number): Promise<void> {
    if (this.application === undefined) return;
    const server = this.url === undefined ? undefined : (this.application as NestFastifyApplication).getHttpServer();
    const timer = setTimeout(() => server?.closeAllConnections(), graceMs);
    try {
      await this.application.close();
    } finally {
      clearTimeout(timer);
    }
  }
}
