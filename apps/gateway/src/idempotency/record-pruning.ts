import { LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { IdempotencyStore } from './idempotency.store.js';

const pruneEveryMs = 3_600_000;

/** Removes records past their time, now and then: a claim ignores them anyway. */
@Injectable()
export class RecordPruning implements OnModuleInit, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(IdempotencyStore) private readonly store: IdempotencyStore,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.prune(), pruneEveryMs).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async prune(): Promise<void> {
    await this.store.prune().catch((error: unknown) => {
      this.logger.warn({ err: error }, 'could not prune idempotency records');
    });
  }
}
