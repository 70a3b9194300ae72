import {
  type CloudEvent,
  type CreatedWebhook,
  type MessageContext,
  type NewWebhook,
  tenantEventsSubject,
  type Webhook,
  type WebhookChanges,
  type WebhookDelivery,
  webhookTestType,
} from '@millrace/contracts';
import { type Clock, MillraceError, newId } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import { WebGuard } from '@millrace/resilience';
import { BUS, CLOCK, CONFIG } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { GatewayConfig } from '../config.js';
import type { EventPosition } from '../events/event-cursor.js';
import { DeliveryStore } from './delivery.store.js';
import { newWebhookSecret } from './signature.js';
import { WebhookDispatcher } from './webhook-dispatcher.js';
import { WebhookFeeds } from './webhook-feeds.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { WebhookStore } from './webhook.store.js';

/** What tenants do with their webhooks. */
@Injectable()
export class Webhooks {
  private readonly guard: WebGuard;

  constructor(
    @Inject(WebhookStore) private readonly store: WebhookStore,
    @Inject(DeliveryStore) private readonly deliveries: DeliveryStore,
    @Inject(WebhookSecrets) private readonly secrets: WebhookSecrets,
    @Inject(WebhookFeeds) private readonly feeds: WebhookFeeds,
    @Inject(WebhookDispatcher) private readonly dispatcher: WebhookDispatcher,
    @Inject(BUS) private readonly bus: MessageBus,
    @Inject(CONFIG) { webhookHosts }: GatewayConfig,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.guard = new WebGuard({ allow: webhookHosts });
  }

  /** @throws MillraceError `invalid_webhook_url`, `too_many_webhooks`, `secrets_not_configured`, `bus_unavailable` */
  async create(tenantId: string, webhook: NewWebhook): Promise<CreatedWebhook> {
    const url = this.checkedUrl(webhook.url);
    const id = newId('whk');
    const secret = newWebhookSecret();
    const sealed = this.secrets.seal(tenantId, id, secret);
    const position = await this.positionNow(tenantId);
    const created = await this.store.create(tenantId, { ...webhook, url, id, secret: sealed, position });
    this.feeds.wake();
    return { ...created, secret };
  }

  /** @throws MillraceError `invalid_webhook_url`, `unknown_webhook`, `bus_unavailable` */
  async update(tenantId: string, id: string, changes: WebhookChanges): Promise<Webhook> {
    const checked = changes.url === undefined ? changes : { ...changes, url: this.checkedUrl(changes.url) };
    return await this.store.update(tenantId, id, checked, await this.positionNow(tenantId));
  }

  /** @throws MillraceError `unknown_webhook`, `secrets_not_configured` */
  async rotate(tenantId: string, id: string, overlapSeconds: number): Promise<CreatedWebhook> {
    const secret = newWebhookSecret();
    const webhook = await this.store.rotate(tenantId, id, this.secrets.seal(tenantId, id, secret), overlapSeconds);
    return { ...webhook, secret };
  }

  /** @throws MillraceError `unknown_webhook` */
  async test(
    { tenantId, correlationId }: MessageContext,
    id: string,
    traceparent: string | null,
  ): Promise<WebhookDelivery> {
    const event: CloudEvent = {
      specversion: '1.0',
      id: newId('evt'),
      source: '/millrace/gateway',
      type: webhookTestType,
      subject: id,
      time: this.clock.now().toISOString(),
      datacontenttype: 'application/json',
      tenantid: tenantId,
      correlationid: correlationId,
      data: { webhookId: id },
    };
    const delivery = await this.deliveries.add(tenantId, id, { id: newId('msg'), event, traceparent });
    this.dispatcher.wake();
    return delivery;
  }

  /** @throws MillraceError `unknown_webhook`, `unknown_delivery`, `delivery_in_flight` */
  async redeliver(tenantId: string, id: string, deliveryId: string): Promise<WebhookDelivery> {
    const delivery = await this.deliveries.redeliver(tenantId, id, deliveryId);
    this.dispatcher.wake();
    return delivery;
  }

  /** Everything that is published after a webhook was created lies behind this place. */
  private async positionNow(tenantId: string): Promise<EventPosition> {
    const { identity, lastSequence } = await this.bus.extent(tenantEventsSubject(tenantId));
    return { stream: identity, after: lastSequence };
  }

  /** What the guard would never let through is refused while somebody is there to be told. */
  private checkedUrl(text: string): string {
    try {
      const url = this.guard.check(text);
      if (url.protocol !== 'https:' && !this.guard.allows(url)) throw wrongUrl('must begin with https://');
      return url.href;
    } catch (error) {
      if (error instanceof MillraceError && error.code !== 'invalid_webhook_url') throw wrongUrl(error.message);
      throw error;
    }
  }
}

const wrongUrl = (message: string): MillraceError =>
  new MillraceError('invalid', 'invalid_webhook_url', `No events can be sent to this URL: ${message}`, {
    violations: [{ pointer: '/url', message }],
  });
