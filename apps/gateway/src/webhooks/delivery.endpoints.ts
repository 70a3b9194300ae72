import { routes, webhookDeliveryIdSchema } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import { Inject } from '@nestjs/common';
import { decodeCursor, encodeCursor } from '../endpoint/cursor.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';
import { callersTraceparent } from '../runs/callers-traceparent.js';
import { DeliveryStore } from './delivery.store.js';
import { Webhooks } from './webhooks.js';

type TestWebhook = typeof routes.testWebhook;
type ListDeliveries = typeof routes.listWebhookDeliveries;
type Redeliver = typeof routes.redeliverWebhook;

@Endpoint(routes.testWebhook)
export class TestWebhookEndpoint implements Serves<TestWebhook> {
  constructor(@Inject(Webhooks) private readonly webhooks: Webhooks) {}

  async handle({ params, context, http }: RouteRequest<TestWebhook>): Promise<RouteReply<TestWebhook>> {
    return { status: 202, body: await this.webhooks.test(context, params.id, callersTraceparent(http) ?? null) };
  }
}

@Endpoint(routes.listWebhookDeliveries)
export class ListWebhookDeliveriesEndpoint implements Serves<ListDeliveries> {
  constructor(@Inject(DeliveryStore) private readonly store: DeliveryStore) {}

  async handle({ params, query, context }: RouteRequest<ListDeliveries>): Promise<RouteReply<ListDeliveries>> {
    const { limit, state, cursor } = query;
    const before = cursor === undefined ? undefined : deliveryIdIn(cursor);
    const items = await this.store.list(context.tenantId, params.id, { limit, state, before });
    const last = items.at(-1);
    return {
      status: 200,
      body: { items, cursor: last && items.length === limit ? encodeCursor({ id: last.id }) : null },
    };
  }
}

@Endpoint(routes.redeliverWebhook)
export class RedeliverWebhookEndpoint implements Serves<Redeliver> {
  constructor(@Inject(Webhooks) private readonly webhooks: Webhooks) {}

  async handle({ params, context }: RouteRequest<Redeliver>): Promise<RouteReply<Redeliver>> {
    return { status: 202, body: await this.webhooks.redeliver(context.tenantId, params.id, params.delivery) };
  }
}

/** @throws MillraceError `invalid_cursor` */
function deliveryIdIn(cursor: string): string {
  const { id } = decodeCursor(cursor);
  const parsed = webhookDeliveryIdSchema.safeParse(id);
  if (parsed.success) return parsed.data;
  throw invalidInput('invalid_cursor', 'This cursor is none of ours. Leave it out to begin anew.');
}
