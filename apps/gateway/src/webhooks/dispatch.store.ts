import type { WebhookDisabledReason } from '@millrace/contracts';
import { DATABASE, type SealedSecret, type ServiceDatabase } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { GatewayTables } from '../schema/tables.js';
import { parkPending } from './park-pending.js';

/** An attempt that this replica alone makes, until its lease runs out. */
export interface ClaimedDelivery {
  readonly tenantId: string;
  readonly webhookId: string;
  readonly id: string;
  readonly eventType: string;
  /** This attempt included. It is the fence of what is written about it. */
  readonly attempts: number;
  readonly body: string;
  /** The trace to which the event belongs. */
  readonly traceparent: string | null;
  readonly url: string;
  /** The secret of now and, while they overlap, that of before. */
  readonly secrets: readonly SealedSecret[];
}

export interface ClaimOptions {
  readonly most: number;
  readonly mostOfOne: number;
  readonly leaseMs: number;
  /** Webhooks that get nothing more now. */
  readonly busy: readonly string[];
}

/** Deliveries that are looked at for one claim: the oldest of those that are due. */
const window = 500;

interface ClaimedRow {
  readonly tenant_id: string;
  readonly webhook_id: string;
  readonly id: string;
  readonly event_type: string;
  readonly attempts: number;
  readonly body: string;
  readonly traceparent: string | null;
  readonly url: string;
  readonly secret_key_id: string;
  readonly sealed_secret: string;
  readonly previous_secret_key_id: string | null;
  readonly previous_sealed_secret: string | null;
  readonly overlaps: boolean;
}

/** What is due, over all tenants, and what became of it. Times are those of the database's clock, which all replicas share. */
@Injectable()
export class DispatchStore {
  constructor(@Inject(DATABASE) private readonly database: ServiceDatabase<GatewayTables>) {}

  /** Deliveries that are due, the oldest first, and not all of them for one webhook. Each is given to one replica. */
  async claim({ most, mostOfOne, leaseMs, busy }: ClaimOptions): Promise<ClaimedDelivery[]> {
    const { rows } = await this.database.asService((transaction) =>
      sql<ClaimedRow>`
        with due as (
          select tenant_id, id, webhook_id, due_at from webhook_delivery
          where state = 'pending' and due_at <= now() and webhook_id <> all(${[...busy]}::text[])
          order by due_at limit ${window}
        ), ranked as (
          select *, row_number() over (partition by tenant_id, webhook_id order by due_at) as place from due
        ), chosen as (
          select delivery.tenant_id, delivery.id from webhook_delivery delivery
          join ranked on ranked.tenant_id = delivery.tenant_id and ranked.id = delivery.id
          where ranked.place <= ${mostOfOne} and delivery.state = 'pending' and delivery.due_at <= now()
          order by ranked.due_at limit ${most} for update of delivery skip locked
        )
        update webhook_delivery delivery
        set attempts = delivery.attempts + 1,
            due_at = now() + make_interval(secs => ${leaseMs / 1000}::double precision),
            leased_until = now() + make_interval(secs => ${leaseMs / 1000}::double precision)
        from chosen, webhook
        where delivery.tenant_id = chosen.tenant_id and delivery.id = chosen.id
          and webhook.tenant_id = delivery.tenant_id and webhook.id = delivery.webhook_id
        returning delivery.tenant_id, delivery.webhook_id, delivery.id, delivery.event_type, delivery.attempts,
          delivery.body, delivery.traceparent, webhook.url, webhook.secret_key_id, webhook.sealed_secret, webhook.previous_secret_key_id,
          webhook.previous_sealed_secret, coalesce(webhook.previous_until > now(), false) as overlaps
      `.execute(transaction),
    );
    return rows.map(claimedOf);
  }

  /** It has arrived, whoever else may have tried meanwhile. */
  async delivered({ tenantId, webhookId, id }: ClaimedDelivery, status: number | null): Promise<void> {
    await this.database.asService(async (transaction) => {
      await sql`
        update webhook_delivery
        set state = 'delivered', delivered_at = now(), due_at = null, leased_until = null, last_status = ${status},
            last_error = null
        where tenant_id = ${tenantId} and id = ${id} and state <> 'delivered'`.execute(transaction);
      await sql`
        update webhook set failing_since = null
        where tenant_id = ${tenantId} and id = ${webhookId} and failing_since is not null`.execute(transaction);
    });
  }

  /**
   * An attempt failed: it is made again after a time, or never (null). Changes nothing where the attempt is another's by now. Gives for how
   * many milliseconds the webhook has failed without one success.
   */
  failed(
    { tenantId, webhookId, id, attempts }: ClaimedDelivery,
    failure: { readonly status: number | null; readonly code: string },
    delayMs: number | null,
  ): Promise<number> {
    const due = delayMs === null ? sql`null` : sql`now() + make_interval(secs => ${delayMs / 1000}::double precision)`;
    return this.database.asService(async (transaction) => {
      await sql`
        update webhook_delivery
        set state = ${delayMs === null ? 'parked' : 'pending'}, due_at = ${due}, leased_until = null,
            last_status = ${failure.status}, last_error = ${failure.code}
        where tenant_id = ${tenantId} and id = ${id} and state = 'pending' and attempts = ${attempts}
      `.execute(transaction);
      const { rows } = await sql<{ failing_ms: number }>`
        update webhook set failing_since = coalesce(failing_since, now())
        where tenant_id = ${tenantId} and id = ${webhookId} and enabled
        returning (extract(epoch from now() - failing_since) * 1000)::double precision as failing_ms
      `.execute(transaction);
      return rows[0]?.failing_ms ?? 0;
    });
  }

  /** Gives back what was not finished; it may have arrived all the same. */
  async handBack({ tenantId, id, attempts }: ClaimedDelivery): Promise<void> {
    await this.database.asService((transaction) =>
      sql`
        update webhook_delivery set attempts = attempts - 1, due_at = now(), leased_until = null
        where tenant_id = ${tenantId} and id = ${id} and state = 'pending' and attempts = ${attempts}
      `.execute(transaction),
    );
  }

  /** Disables a webhook and parks what waits for it. Whether it was enabled. */
  disable(tenantId: string, webhookId: string, reason: WebhookDisabledReason): Promise<boolean> {
    return this.database.asService(async (transaction) => {
      const { numUpdatedRows } = await transaction
        .updateTable('webhook')
        .set({ enabled: false, disabled_reason: reason, updated_at: sql<Date>`now()` })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', webhookId)
        .where('enabled', '=', true)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows > 0n) await parkPending(transaction, tenantId, webhookId);
      return numUpdatedRows > 0n;
    });
  }

  /** Removes deliveries that have been over for long enough, some at a time; whether there may be more. */
  async prune(keepDays: number): Promise<boolean> {
    const { rows } = await this.database.asService((transaction) =>
      sql`
        delete from webhook_delivery where (tenant_id, id) in (
          select tenant_id, id from webhook_delivery
          where state <> 'pending' and created_at < now() - make_interval(days => ${keepDays}::integer)
          order by created_at limit ${window})
        returning 1`.execute(transaction),
    );
    return rows.length === window;
  }
}

function claimedOf(row: ClaimedRow): ClaimedDelivery {
  const current = { keyId: row.secret_key_id, sealed: row.sealed_secret };
  const { previous_secret_key_id: keyId, previous_sealed_secret: sealed } = row;
  const previous = row.overlaps && keyId !== null && sealed !== null ? [{ keyId, sealed }] : [];
  return {
    tenantId: row.tenant_id,
    webhookId: row.webhook_id,
    id: row.id,
    eventType: row.event_type,
    attempts: row.attempts,
    body: row.body,
    traceparent: row.traceparent,
    url: row.url,
    secrets: [current, ...previous],
  };
}
