import type { Clock } from '@millrace/kernel';
import { CLOCK, LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { KeyStore } from '../keys/key.store.js';

const flushEveryMs = 30_000;
/** Beyond this further notes are dropped: last-used times are a convenience, memory is not. */
const maxPending = 10_000;

/** Gathers when keys are used and writes it now and then, so that no request waits for a write of its own. */
@Injectable()
export class KeyUse implements OnModuleInit, OnApplicationShutdown {
  private readonly pending = new Map<string, Date>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(KeyStore) private readonly store: KeyStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.flush(), flushEveryMs).unref();
  }

  note(keyId: string): void {
    if (this.pending.size < maxPending || this.pending.has(keyId)) this.pending.set(keyId, this.clock.now());
  }

  async flush(): Promise<void> {
    const uses = [...this.pending].map(([id, at]) => ({ id, at }));
    this.pending.clear();
    if (uses.length === 0) return;
    await this.store.noteUse(uses).catch((error: unknown) => {
      this.logger.warn({ err: error }, 'could not note when keys were used');
    });
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }
}
