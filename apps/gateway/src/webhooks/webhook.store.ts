import type { NewWebhook, Webhook, WebhookChanges } from '@millrace/contracts';
import { jsonb } from '@millrace/database';
import { MillraceError, notFound } from '@millrace/kernel';
import { DATABASE, type SealedSecret, type ServiceDatabase } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { type Selectable, sql, type Transaction } from 'kysely';
import type { EventPosition } from '../events/event-cursor.js';
import type { GatewayTables } from '../schema/tables.js';
import { parkPending } from './park-pending.js';

const mostWebhooks = 50;

/**
 * The webhooks of tenants. Every change holds the row of the tenant's feed, so that of two changes, and of a change and the reading
 * of an event, one comes after the other.
 */
@Injectable()
export class WebhookStore {
  constructor(@Inject(DATABASE) private readonly database: ServiceDatabase<GatewayTables>) {}

  /** A webhook for events behind a place. @throws MillraceError `too_many_webhooks` */
  create(
    tenantId: string,
    webhook: NewWebhook & { readonly id: string; readonly secret: SealedSecret; readonly position: EventPosition },
  ): Promise<Webhook> {
    const { id, url, events, description, enabled, secret, position } = webhook;
    return this.database.forTenant(tenantId, async (transaction) => {
      await lockFeed(transaction, tenantId, position);
      const { count } = await transaction
        .selectFrom('webhook')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow();
      if (count >= mostWebhooks) throw tooMany();
      const row = await transaction
        .insertInto('webhook')
        .values({
          tenant_id: tenantId,
          id,
          url,
          events: jsonb(events),
          description,
          enabled,
          disabled_reason: enabled ? null : 'by-owner',
          secret_key_id: secret.keyId,
          sealed_secret: secret.sealed,
          ...placeOf(position),
          created_at: sql<Date>`now()`,
          updated_at: sql<Date>`now()`,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return webhookOf(row);
    });
  }

  /** All of a tenant, newest first. */
  list(tenantId: string): Promise<Webhook[]> {
    return this.database.forTenant(tenantId, async (transaction) =>
      (await transaction.selectFrom('webhook').selectAll().orderBy('id', 'desc').execute()).map(webhookOf),
    );
  }

  /** @throws MillraceError `unknown_webhook` */
  get(tenantId: string, id: string): Promise<Webhook> {
    return this.database.forTenant(tenantId, async (transaction) => {
      const row = await transaction.selectFrom('webhook').selectAll().where('id', '=', id).executeTakeFirst();
      if (row === undefined) throw unknownWebhook(id);
      return webhookOf(row);
    });
  }

  /** One that is enabled again begins behind `position`. @throws MillraceError `unknown_webhook` */
  update(tenantId: string, id: string, changes: WebhookChanges, position: EventPosition): Promise<Webhook> {
    const { url, events, description, enabled } = changes;
    return this.database.forTenant(tenantId, async (transaction) => {
      await lockFeed(transaction, tenantId, position);
      const before = await transaction.selectFrom('webhook').selectAll().where('id', '=', id).executeTakeFirst();
      if (before === undefined) throw unknownWebhook(id);
      const begins = enabled === true && !before.enabled;
      const ends = enabled === false && before.enabled;
      const row = await transaction
        .updateTable('webhook')
        .set({
          ...(url !== undefined && { url }),
          ...(events !== undefined && { events: jsonb(events) }),
          ...(description !== undefined && { description }),
          ...(begins && { enabled: true, disabled_reason: null, failing_since: null, ...placeOf(position) }),
          ...(ends && { enabled: false, disabled_reason: 'by-owner' as const }),
          updated_at: sql<Date>`now()`,
        })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow();
      if (ends) await parkPending(transaction, tenantId, id);
      return webhookOf(row);
    });
  }

  /** With the last one nobody reads the tenant's events any more. @throws MillraceError `unknown_webhook` */
  delete(tenantId: string, id: string): Promise<void> {
    return this.database.forTenant(tenantId, async (transaction) => {
      await transaction.selectFrom('webhook_feed').select('tenant_id').forUpdate().execute();
      const { numDeletedRows } = await transaction
        .deleteFrom('webhook')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      if (numDeletedRows === 0n) throw unknownWebhook(id);
      const other = await transaction.selectFrom('webhook').select('id').limit(1).executeTakeFirst();
      if (other === undefined) await transaction.deleteFrom('webhook_feed').where('tenant_id', '=', tenantId).execute();
    });
  }

  /** The secret of before signs for a while longer. @throws MillraceError `unknown_webhook` */
  rotate(tenantId: string, id: string, secret: SealedSecret, overlapSeconds: number): Promise<Webhook> {
    return this.database.forTenant(tenantId, async (transaction) => {
      const row = await transaction
        .updateTable('webhook')
        .set((expression) => ({
          previous_secret_key_id: expression.ref('secret_key_id'),
          previous_sealed_secret: expression.ref('sealed_secret'),
          previous_until: sql<Date>`now() + make_interval(secs => ${overlapSeconds})`,
          secret_key_id: secret.keyId,
          sealed_secret: secret.sealed,
          updated_at: sql<Date>`now()`,
        }))
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) throw unknownWebhook(id);
      return webhookOf(row);
    });
  }
}

export const unknownWebhook = (id: string): MillraceError => notFound('unknown_webhook', `There is no webhook ${id}.`);

const tooMany = (): MillraceError =>
  new MillraceError('conflict', 'too_many_webhooks', `There are ${mostWebhooks} webhooks. Delete one first.`);

const placeOf = ({ stream, after }: EventPosition) => ({ stream, after_sequence: after });

/** Makes the feed where the tenant has none, and holds its row until the end of the transaction. */
async function lockFeed(
  transaction: Transaction<GatewayTables>,
  tenantId: string,
  position: EventPosition,
): Promise<void> {
  await sql`
    insert into webhook_feed (tenant_id, stream, after_sequence) values (${tenantId}, ${position.stream}, ${position.after})
    on conflict (tenant_id) do update set leased_by = webhook_feed.leased_by`.execute(transaction);
}

function webhookOf(row: Selectable<GatewayTables['webhook']>): Webhook {
  const isOver = row.previous_until === null || row.previous_until.getTime() <= Date.now();
  return {
    id: row.id,
    url: row.url,
    events: row.events,
    description: row.description,
    enabled: row.enabled,
    disabledReason: row.disabled_reason,
    failingSince: row.failing_since?.toISOString() ?? null,
    previousSecretUntil: isOver ? null : (row.previous_until?.toISOString() ?? null),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
