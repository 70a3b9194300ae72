import {
  type BodyInputOf,
  type CreatedWebhook,
  type QueryInputOf,
  type ResponseBodyOf,
  routes,
  type Webhook,
  type WebhookDelivery,
} from '@millrace/contracts';
import type { CallOptions } from './client-options.js';
import type { Transport } from './transport.js';

/** The routes of webhooks, a method for each. */
export class WebhooksClient {
  constructor(private readonly transport: Transport) {}

  /** Has events sent to a URL. What they are signed with is in `secret`, for the only time. */
  async create(body: BodyInputOf<typeof routes.createWebhook>, options: CallOptions = {}): Promise<CreatedWebhook> {
    return (await this.transport.call(routes.createWebhook, { body, ...options })).body;
  }

  async list(options: CallOptions = {}): Promise<ResponseBodyOf<typeof routes.listWebhooks>> {
    return (await this.transport.call(routes.listWebhooks, options)).body;
  }

  async get(id: string, options: CallOptions = {}): Promise<Webhook> {
    return (await this.transport.call(routes.getWebhook, { params: { id }, ...options })).body;
  }

  /** `enabled: true` begins again with what happens from now on. */
  async update(
    id: string,
    body: BodyInputOf<typeof routes.updateWebhook>,
    options: CallOptions = {},
  ): Promise<Webhook> {
    const call = { params: { id }, body, isRepeatable: true, ...options };
    return (await this.transport.call(routes.updateWebhook, call)).body;
  }

  async delete(id: string, options: CallOptions = {}): Promise<void> {
    await this.transport.call(routes.deleteWebhook, { params: { id }, ...options });
  }

  /** A new secret, in `secret`; that of before signs as well for `overlapSeconds`, a day where it is not said. */
  async rotateSecret(id: string, overlapSeconds?: number, options: CallOptions = {}): Promise<CreatedWebhook> {
    return (
      await this.transport.call(routes.rotateWebhookSecret, { params: { id }, body: { overlapSeconds }, ...options })
    ).body;
  }

  /** Sends one event to try a webhook; what became of it is among its deliveries. */
  async test(id: string, options: CallOptions = {}): Promise<WebhookDelivery> {
    return (await this.transport.call(routes.testWebhook, { params: { id }, ...options })).body;
  }

  async deliveries(
    id: string,
    query: QueryInputOf<typeof routes.listWebhookDeliveries> = {},
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.listWebhookDeliveries>> {
    return (await this.transport.call(routes.listWebhookDeliveries, { params: { id }, query, ...options })).body;
  }

  async redeliver(id: string, delivery: string, options: CallOptions = {}): Promise<WebhookDelivery> {
    return (await this.transport.call(routes.redeliverWebhook, { params: { id, delivery }, ...options })).body;
  }
}
