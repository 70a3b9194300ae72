import type { CommandContract, EventContract, TaskContract } from '@millrace/contracts';
import type { Database, Migrations } from '@millrace/database';
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A class whose `handle` Nest calls with the data that the contract validated, and the message around it. */
export type HandlerClass = Type<{ handle(data: never, message: never): unknown }>;

/** How many at once: a number, or read from the service's configuration. */
export type Slots = number | ((config: never) => number);

/**
 * One line of a service's inbox. `subscriptions.ts` of each service lists all of them with `defineSubscriptions`.
 * - a command's handler returns the reply's data;
 * - a task's handler returns `{ output, usage? }` of the contract, or throws: a MillraceError fails the attempt with its code,
 *   retryable or not, anything else fails it with `internal_error`, retryable;
 * - an event's handler returns nothing; it is delivered at least once.
 */
export type ServiceSubscription =
  | { readonly contract: CommandContract; readonly handler: HandlerClass; readonly maxInFlight?: number }
  | { readonly contract: TaskContract; readonly handler: HandlerClass; readonly slots?: Slots }
  | { readonly contract: EventContract; readonly handler: HandlerClass; readonly slots?: Slots };

/** How a service serves HTTP. It answers `/healthz` and `/readyz` itself, with the HEALTH token. */
export interface HttpDefinition<Config> {
  /** 0 lets the system choose. */
  readonly port: (config: Config) => number;
  readonly host: (config: Config) => string;
  /** Largest body that is read, in bytes. Default 1 MiB. */
  readonly bodyLimit?: (config: Config) => number;
  /** Answers what is refused before any route or hook: an address that is malformed or too long. */
  readonly refuse?: (error: Error, request: FastifyRequest, reply: FastifyReply) => void;
  /** Adds plugins, hooks and documents to the application before it is initialised. */
  readonly configure?: (application: NestFastifyApplication, config: Config) => void | Promise<void>;
}

/** Everything that the bootstrap must know of a service: the same value runs alone and inside `millrace`. */
export interface ServiceDefinition<Config = unknown> {
  /** Also the name of its database schema and of its durable consumers. */
  readonly name: string;
  /** The only reader of the service's environment. Throws MillraceError `invalid_configuration` that names the variable. */
  readonly config: (environment: Environment) => Config;
  /** Absent for a service without tables. */
  readonly migrations?: Migrations;
  readonly module: Type;
  readonly subscriptions: readonly ServiceSubscription[];
  readonly http?: HttpDefinition<Config>;
}

/** A definition whose configuration is nobody's business but its own: what a host keeps in a list. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a definition produces and consumes its own Config
export type AnyServiceDefinition = ServiceDefinition<any>;

/** Whether a service can do its work now, and why not. */
export interface ServiceHealth {
  readonly ready: boolean;
  readonly problems: readonly string[];
}

/** What the HEALTH token gives. */
export interface HealthCheck {
  check(): Promise<ServiceHealth>;
}

/** Injection tokens of the platform: `@Inject(BUS) bus: MessageBus`. */
export const BUS = Symbol('millrace.bus');
/** Only for services with migrations. */
export const DATABASE = Symbol('millrace.database');
export const CONFIG = Symbol('millrace.config');
export const LOGGER = Symbol('millrace.logger');
export const CLOCK = Symbol('millrace.clock');
export const HEALTH = Symbol('millrace.health');

export type ServiceDatabase<Tables> = Database<Tables>;
