import type { CloudEvent, WebhookDelivery, WebhookDeliveryState } from '@millrace/contracts';
import { MillraceError, notFound } from '@millrace/kernel';
import { DATABASE, type ServiceDatabase } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { type Selectable, sql, type Transaction } from 'kysely';
import type { GatewayTables } from '../schema/tables.js';
import { unknownWebhook } from './webhook.store.js';

export interface DeliveryPage {
  readonly limit: number;
  /** The id of the last delivery of the page before. */
  readonly before: string | undefined;
  readonly state: WebhookDeliveryState | undefined;
}

export interface NewDelivery {
  readonly id: string;
  readonly event: CloudEvent;
  /** The trace to which the event belongs. */
  readonly traceparent: string | null;
}

/** Deliveries as their tenant sees them. */
@Injectable()
export class DeliveryStore {
  constructor(@Inject(DATABASE) private readonly database: ServiceDatabase<GatewayTables>) {}

  /** Newest first. @throws MillraceError `unknown_webhook` */
  list(tenantId: string, webhookId: string, { limit, before, state }: DeliveryPage): Promise<WebhookDelivery[]> {
    return this.database.forTenant(tenantId, async (transaction) => {
      await assertWebhook(transaction, webhookId);
      let query = transaction
        .selectFrom('webhook_delivery')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('webhook_id', '=', webhookId)
        .orderBy('id', 'desc')
        .limit(limit);
      if (before !== undefined) query = query.where('id', '<', before);
      if (state !== undefined) query = query.where('state', '=', state);
      return (await query.execute()).map(deliveryOf);
    });
  }

  /** A delivery of an event that is for one webhook alone. @throws MillraceError `unknown_webhook` */
  add(tenantId: string, webhookId: string, { id, event, traceparent }: NewDelivery): Promise<WebhookDelivery> {
    return this.database.forTenant(tenantId, async (transaction) => {
      await assertWebhook(transaction, webhookId);
      const row = await transaction
        .insertInto('webhook_delivery')
        .values({
          tenant_id: tenantId,
          id,
          webhook_id: webhookId,
          event_source: event.source,
          event_id: event.id,
          event_type: event.type,
          body: JSON.stringify(event),
          traceparent,
          state: 'pending',
          attempts: 0,
          due_at: sql<Date>`now()`,
          created_at: sql<Date>`now()`,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return deliveryOf(row);
    });
  }

  /**
   * Makes a delivery due now, as if it had never been tried.
   * @throws MillraceError `unknown_webhook`, `unknown_delivery`, `delivery_in_flight`
   */
  redeliver(tenantId: string, webhookId: string, id: string): Promise<WebhookDelivery> {
    return this.database.forTenant(tenantId, async (transaction) => {
      await assertWebhook(transaction, webhookId);
      const found = await sql<{ in_flight: boolean }>`
        select coalesce(leased_until > now(), false) as in_flight from webhook_delivery
        where tenant_id = ${tenantId} and webhook_id = ${webhookId} and id = ${id} for update`.execute(transaction);
      const [row] = found.rows;
      if (row === undefined) throw notFound('unknown_delivery', `The webhook ${webhookId} has no delivery ${id}.`);
      if (row.in_flight) throw inFlight(id);
      const now = await transaction
        .updateTable('webhook_delivery')
        .set({ state: 'pending', attempts: 0, due_at: sql<Date>`now()`, leased_until: null, delivered_at: null })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow();
      return deliveryOf(now);
    });
  }
}

async function assertWebhook(transaction: Transaction<GatewayTables>, id: string): Promise<void> {
  const row = await transaction.selectFrom('webhook').select('id').where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw unknownWebhook(id);
}

const inFlight = (id: string): MillraceError =>
  new MillraceError('conflict', 'delivery_in_flight', `The delivery ${id} is under way. Look at what becomes of it.`, {
    retryable: true,
    retryAfterSeconds: 30,
  });

const deliveryOf = (row: Selectable<GatewayTables['webhook_delivery']>): WebhookDelivery => ({
  id: row.id,
  eventId: row.event_id,
  eventType: row.event_type,
  state: row.state,
  attempts: row.attempts,
  lastStatus: row.last_status,
  lastError: row.last_error,
  createdAt: row.created_at.toISOString(),
  nextAttemptAt: row.due_at?.toISOString() ?? null,
  deliveredAt: row.delivered_at?.toISOString() ?? null,
});
