import { CONFIG, LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { GatewayConfig } from '../../config.js';
import { ResponseStore } from './response.store.js';

const everyMs = 60_000;
/** A tenant that has added this part of what it may have is looked at at once. */
const part = 1 / 64;

interface Added {
  responses: number;
  bytes: number;
}

/** Removes responses past their time, and those of tenants that have too many: only tenants that added some are looked at. */
@Injectable()
export class ResponseRetention implements OnModuleInit, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private readonly added = new Map<string, Added>();
  private readonly trimming = new Map<string, Promise<void>>();

  constructor(
    @Inject(ResponseStore) private readonly store: ResponseStore,
    @Inject(CONFIG) private readonly limits: Pick<GatewayConfig, 'responsesPerTenant' | 'responseBytesPerTenant'>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.sweep(), everyMs).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.trimming.values());
  }

  /** Notes what a tenant added. */
  kept(tenantId: string, bytes: number): void {
    const added = this.added.get(tenantId) ?? { responses: 0, bytes: 0 };
    added.responses += 1;
    added.bytes += bytes;
    this.added.set(tenantId, added);
    const { responsesPerTenant, responseBytesPerTenant } = this.limits;
    if (added.responses > responsesPerTenant * part || added.bytes > responseBytesPerTenant * part) this.trim(tenantId);
  }

  private async sweep(): Promise<void> {
    for (const tenantId of this.added.keys()) this.trim(tenantId);
    await this.quietly(() => this.store.prune());
  }

  /** One at a time for each tenant; what is added meanwhile is looked at later. */
  private trim(tenantId: string): void {
    if (this.trimming.has(tenantId)) return;
    this.added.delete(tenantId);
    const work = this.quietly(() => this.store.trim(tenantId)).finally(() => this.trimming.delete(tenantId));
    this.trimming.set(tenantId, work);
  }

  private async quietly(remove: () => Promise<boolean>): Promise<void> {
    try {
      while (await remove());
    } catch (error) {
      this.logger.warn({ err: error }, 'could not remove responses');
    }
  }
}
