import { LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Budgets } from './budgets.js';

const everyMs = 15_000;

/** Now and then counts as spent what killed processes held. */
@Injectable()
export class ExpiredHolds implements OnModuleInit, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(Budgets) private readonly budgets: Budgets,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.settle(), everyMs).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async settle(): Promise<void> {
    await this.budgets.settleExpired().catch((error: unknown) => {
      this.logger.warn({ err: error }, 'could not settle expired holds on budgets');
    });
  }
}
