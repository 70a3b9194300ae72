import { newId } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import { BUS, CONFIG, LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { GatewayConfig } from '../config.js';
import { FeedReader } from './feed-reader.js';
import { type Feed, FeedStore } from './feed.store.js';
import { Rounds } from './rounds.js';
import { WebhookDispatcher } from './webhook-dispatcher.js';

/** The events of every tenant that has a webhook are read by one replica, which holds them by a lease. */
@Injectable()
export class WebhookFeeds implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly replica = newId('gateway');
  private readonly readers = new Map<string, FeedReader>();
  private readonly rounds: Rounds;

  constructor(
    @Inject(FeedStore) private readonly store: FeedStore,
    @Inject(WebhookDispatcher) private readonly dispatcher: WebhookDispatcher,
    @Inject(BUS) private readonly bus: MessageBus,
    @Inject(CONFIG) private readonly config: GatewayConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const onFailure = (err: unknown): void => this.logger.warn({ err }, 'leases of events could not be renewed');
    this.rounds = new Rounds(() => this.round(), { pauseMs: config.webhookLeaseMs / 3, onFailure });
  }

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  /** A tenant may have got its first webhook. */
  wake(): void {
    this.rounds.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds.stop();
    await Promise.all([...this.readers.keys()].map((tenantId) => this.end(tenantId)));
    await this.store
      .release(this.replica)
      .catch((err: unknown) => this.logger.warn({ err }, 'leases of events run out by themselves'));
  }

  private async round(): Promise<boolean> {
    const { kept, taken, any } = await this.store.lease(this.replica, this.config.webhookLeaseMs);
    this.dispatcher.need(any);
    const held = new Set(kept);
    for (const tenantId of this.readers.keys()) if (!held.has(tenantId)) await this.end(tenantId);
    for (const feed of taken) this.begin(feed);
    for (const tenantId of held) await this.disableOverfull(tenantId);
    return false;
  }

  private begin(feed: Feed): void {
    const { tenantId } = feed;
    const reader = new FeedReader(feed, {
      bus: this.bus,
      store: this.store,
      replica: this.replica,
      onDeliveries: () => this.dispatcher.wake(),
      onLost: () => this.rounds.wake(),
      onProblem: (message, err) => this.logger.warn({ err, tenantId }, message),
    });
    this.readers.set(tenantId, reader);
    reader.start();
  }

  private async end(tenantId: string): Promise<void> {
    const reader = this.readers.get(tenantId);
    this.readers.delete(tenantId);
    await reader?.stop();
  }

  /** What waits for an endpoint is bounded: one that cannot keep up is disabled, and told so. */
  private async disableOverfull(tenantId: string): Promise<void> {
    for (const webhookId of await this.store.overfull(tenantId, this.config.webhookBacklog))
      await this.dispatcher.disable({ tenantId, webhookId }, 'backlog');
  }
}
