import type { Clock } from '@millrace/kernel';
import type { Database } from '@millrace/database';
import type { MessageBus } from '@millrace/messaging';
import type { Logger } from '@millrace/telemetry';
import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { BUS, CLOCK, CONFIG, DATABASE, HEALTH, LOGGER, type HealthCheck } from '../service-definition.js';
import { MessageExceptionFilter } from '../transport/message-exception-filter.js';

/** What a service stands on. */
export interface Platform {
  readonly bus: MessageBus;
  /** Absent for a service without tables. */
  readonly database?: Database<unknown>;
  readonly config: unknown;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly health: HealthCheck;
}

/** Gives every module of a service what it stands on, under the tokens of the service definition. */
@Module({})
export class PlatformModule {
  static of({ bus, database, config, logger, clock, health }: Platform): DynamicModule {
    const values = new Map<symbol, unknown>([
      [BUS, bus],
      [CONFIG, config],
      [LOGGER, logger],
      [CLOCK, clock],
      [HEALTH, health],
    ]);
    if (database !== undefined) values.set(DATABASE, database);
    const providers: Provider[] = [...values].map(([provide, useValue]) => ({ provide, useValue }));
    return {
      module: PlatformModule,
      global: true,
      providers: [...providers, { provide: APP_FILTER, useClass: MessageExceptionFilter }],
      exports: [...values.keys()],
    };
  }
}
