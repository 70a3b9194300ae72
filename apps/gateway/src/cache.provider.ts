import { type Cache, openCache } from '@millrace/cache';
import { CONFIG, LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject, Injectable, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import type { GatewayConfig } from './config.js';

export const CACHE = Symbol('millrace.gateway.cache');

export const cacheProvider: Provider = {
  provide: CACHE,
  inject: [CONFIG, LOGGER],
  useFactory: (config: GatewayConfig, logger: Logger): Promise<Cache> =>
    openCache({
      name: 'api-keys',
      redisUrl: config.redisUrl,
      onError: (error) => logger.warn({ err: error }, 'Redis does not answer; going on without it'),
    }),
};

/** Closes the cache with the application. */
@Injectable()
export class CacheShutdown implements OnApplicationShutdown {
  constructor(@Inject(CACHE) private readonly cache: Cache) {}

  async onApplicationShutdown(): Promise<void> {
    await this.cache.close();
  }
}
