import { routes } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';
import { WebhookStore } from './webhook.store.js';
import { Webhooks } from './webhooks.js';

type CreateWebhook = typeof routes.createWebhook;
type ListWebhooks = typeof routes.listWebhooks;
type GetWebhook = typeof routes.getWebhook;
type UpdateWebhook = typeof routes.updateWebhook;
type DeleteWebhook = typeof routes.deleteWebhook;
type RotateWebhookSecret = typeof routes.rotateWebhookSecret;

@Endpoint(routes.createWebhook)
export class CreateWebhookEndpoint implements Serves<CreateWebhook> {
  constructor(@Inject(Webhooks) private readonly webhooks: Webhooks) {}

  async handle({ body, context }: RouteRequest<CreateWebhook>): Promise<RouteReply<CreateWebhook>> {
    const webhook = await this.webhooks.create(context.tenantId, body);
    return { status: 201, body: webhook, headers: { location: `/v1/webhooks/${webhook.id}` } };
  }
}

@Endpoint(routes.listWebhooks)
export class ListWebhooksEndpoint implements Serves<ListWebhooks> {
  constructor(@Inject(WebhookStore) private readonly store: WebhookStore) {}

  async handle({ context }: RouteRequest<ListWebhooks>): Promise<RouteReply<ListWebhooks>> {
    return { status: 200, body: { items: await this.store.list(context.tenantId) } };
  }
}

@Endpoint(routes.getWebhook)
export class GetWebhookEndpoint implements Serves<GetWebhook> {
  constructor(@Inject(WebhookStore) private readonly store: WebhookStore) {}

  async handle({ params, context }: RouteRequest<GetWebhook>): Promise<RouteReply<GetWebhook>> {
    return { status: 200, body: await this.store.get(context.tenantId, params.id) };
  }
}

@Endpoint(routes.updateWebhook)
export class UpdateWebhookEndpoint implements Serves<UpdateWebhook> {
  constructor(@Inject(Webhooks) private readonly webhooks: Webhooks) {}

  async handle({ params, body, context }: RouteRequest<UpdateWebhook>): Promise<RouteReply<UpdateWebhook>> {
    return { status: 200, body: await this.webhooks.update(context.tenantId, params.id, body) };
  }
}

@Endpoint(routes.deleteWebhook)
export class DeleteWebhookEndpoint implements Serves<DeleteWebhook> {
  constructor(@Inject(WebhookStore) private readonly store: WebhookStore) {}

  async handle({ params, context }: RouteRequest<DeleteWebhook>): Promise<RouteReply<DeleteWebhook>> {
    await this.store.delete(context.tenantId, params.id);
    return { status: 200, body: { deleted: true } };
  }
}

@Endpoint(routes.rotateWebhookSecret)
export class RotateWebhookSecretEndpoint implements Serves<RotateWebhookSecret> {
  constructor(@Inject(Webhooks) private readonly webhooks: Webhooks) {}

  async handle({ params, body, context }: RouteRequest<RotateWebhookSecret>): Promise<RouteReply<RotateWebhookSecret>> {
    return { status: 200, body: await this.webhooks.rotate(context.tenantId, params.id, body.overlapSeconds) };
  }
}
