import { type Cache, openCache } from '@millrace/cache';
import { CONFIG, LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject, Injectable, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';

export const ANSWER_CACHE = Symbol('millrace.llm-provider.answer-cache');

/** Answers may be long: so many are kept in memory. */
const maxEntries = 2_000;

export const answerCacheProvider: Provider = {
  provide: ANSWER_CACHE,
  inject: [CONFIG, LOGGER],
  useFactory: (config: LlmProviderConfig, logger: Logger): Promise<Cache> =>
    openCache({
      name: 'model-answers',
      maxEntries,
      ...(config.redisUrl !== undefined && { redisUrl: config.redisUrl }),
      onError: (error) => logger.warn({ err: error }, 'Redis does not answer; going on without it'),
    }),
};

/** Closes the cache with the application. */
@Injectable()
export class AnswerCacheShutdown implements OnApplicationShutdown {
  constructor(@Inject(ANSWER_CACHE) private readonly cache: Cache) {}

  async onApplicationShutdown(): Promise<void> {
    await this.cache.close();
  }
}
