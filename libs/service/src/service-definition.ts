import type { CommandContract, EventContract, TaskContract } from '@millrace/contracts';
import type { Database, Migrations } from '@millrace/database';
import type { Clock } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import type { Logger } from '@millrace/telemetry';
import type { Type } from '@nestjs/common';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A class whose `handle` Nest calls with the data that the contract validated, and the message around it. */
export type HandlerClass = Type<{ handle(data: never, message: never): unknown }>;

/**
 * One line of a service's inbox. `subscriptions.ts` of each service lists all of them.
 * - a command's handler returns the reply's data;
 * - a task's handler returns `{ output, usage? }` of the contract, or throws: a MillraceError fails the attempt with its code,
 *   retryable or not, anything else is a crash that is delivered again;
 * - an event's handler returns nothing; it is delivered at least once.
 */
export type ServiceSubscription =
  | { readonly contract: CommandContract; readonly handler: HandlerClass; readonly maxInFlight?: number }
  | { readonly contract: TaskContract; readonly handler: HandlerClass; readonly slots?: number }
  | { readonly contract: EventContract; readonly handler: HandlerClass; readonly slots?: number };

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
  /** Serves HTTP with Fastify on the configured port; only the gateway does. */
  readonly http?: { readonly port: (config: Config) => number; readonly host: (config: Config) => string };
}

/** What a service stands on; the host makes it, a Nest module provides it under the tokens below. */
export interface Platform {
  readonly bus: MessageBus;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Injection tokens of the platform: `@Inject(BUS) bus: MessageBus`. */
export const BUS = Symbol('millrace.bus');
export const DATABASE = Symbol('millrace.database');
export const CONFIG = Symbol('millrace.config');
export const LOGGER = Symbol('millrace.logger');
export const CLOCK = Symbol('millrace.clock');

export type ServiceDatabase<Tables> = Database<Tables>;
