import { type CloudEvent } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { matchesSubject } from '@millrace/messaging';
import { DATABASE, type ServiceDatabase } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { sql, type Transaction } from 'kysely';
import type { EventPosition } from '../events/event-cursor.js';
import type { GatewayTables } from '../schema/tables.js';

export interface Feed {
  readonly tenantId: string;
  readonly position: EventPosition;
}

export interface SequencedEvent {
  readonly event: CloudEvent;
  readonly sequence: number;
  /** The trace to which it belongs. */
  readonly traceparent: string | null;
}

interface FeedRow {
  readonly tenant_id: string;
  readonly stream: string;
  readonly after_sequence: number;
}

/** Feeds that one replica takes over in one round. */
const takenAtOnce = 200;

/** How far the events of tenants have become deliveries. Leases are measured by the database's clock, which all replicas share. */
@Injectable()
export class FeedStore {
  constructor(@Inject(DATABASE) private readonly database: ServiceDatabase<GatewayTables>) {}

  /** Keeps what the replica holds, and takes what nobody does. Says also whether there is any feed at all. */
  lease(
    replica: string,
    leaseMs: number,
  ): Promise<{ readonly kept: readonly string[]; readonly taken: readonly Feed[]; readonly any: boolean }> {
    const until = sql`now() + make_interval(secs => ${leaseMs / 1000}::double precision)`;
    return this.database.asService(async (transaction) => {
      const any = await sql`select 1 from webhook_feed limit 1`.execute(transaction);
      if (any.rows.length === 0) return { kept: [], taken: [], any: false };
      const kept = await sql<FeedRow>`
        update webhook_feed set leased_until = ${until}
        where leased_by = ${replica} and leased_until > now() returning tenant_id`.execute(transaction);
      const taken = await sql<FeedRow>`
        update webhook_feed set leased_by = ${replica}, leased_until = ${until}
        where tenant_id in (
          select tenant_id from webhook_feed where leased_until <= now() limit ${takenAtOnce} for update skip locked)
        returning tenant_id, stream, after_sequence`.execute(transaction);
      return { kept: kept.rows.map((row) => row.tenant_id), taken: taken.rows.map(feedOf), any: true };
    });
  }

  /** Lets another replica take over at once. */
  async release(replica: string): Promise<void> {
    await this.database.asService((transaction) =>
      sql`update webhook_feed set leased_until = now() where leased_by = ${replica}`.execute(transaction),
    );
  }

  /**
   * Writes the deliveries that events become and how far they reach, both or neither; an event that was written before changes
   * nothing. Gives how many deliveries there are now, or null where the replica holds the feed no more.
   */
  advance(
    replica: string,
    tenantId: string,
    events: readonly SequencedEvent[],
    reached: EventPosition,
  ): Promise<number | null> {
    return this.database.asService(async (transaction) => {
      const held = await sql`
        update webhook_feed set stream = ${reached.stream}, after_sequence = ${reached.after}
        where tenant_id = ${tenantId} and leased_by = ${replica} and leased_until > now()
        returning tenant_id`.execute(transaction);
      if (held.rows.length === 0) return null;
      return events.length === 0 ? 0 : await writeDeliveries(transaction, tenantId, events, reached.stream);
    });
  }

  /** Webhooks of a tenant for which more waits than may. */
  async overfull(tenantId: string, most: number): Promise<readonly string[]> {
    const { rows } = await this.database.asService((transaction) =>
      sql<{ webhook_id: string }>`
        select webhook_id from webhook_delivery where tenant_id = ${tenantId} and state = 'pending'
        group by webhook_id having count(*) > ${most}`.execute(transaction),
    );
    return rows.map((row) => row.webhook_id);
  }
}

async function writeDeliveries(
  transaction: Transaction<GatewayTables>,
  tenantId: string,
  events: readonly SequencedEvent[],
  stream: string,
): Promise<number> {
  const webhooks = await transaction
    .selectFrom('webhook')
    .select(['id', 'events', 'stream', 'after_sequence'])
    .where('tenant_id', '=', tenantId)
    .where('enabled', '=', true)
    .execute();
  const wanted = events.flatMap(({ event, sequence, traceparent }) =>
    webhooks
      .filter((webhook) => webhook.stream !== stream || webhook.after_sequence < sequence)
      .filter((webhook) => webhook.events.some((pattern) => matchesSubject(pattern, event.type)))
      .map((webhook) => ({ id: newId('msg'), webhookId: webhook.id, event, body: JSON.stringify(event), traceparent })),
  );
  if (wanted.length === 0) return 0;
  const { rows } = await sql`
    insert into webhook_delivery (tenant_id, id, webhook_id, event_source, event_id, event_type, body, traceparent, state, due_at)
    select ${tenantId}, id, webhook_id, event_source, event_id, event_type, body, traceparent, 'pending', now()
    from unnest(${wanted.map(({ id }) => id)}::text[], ${wanted.map(({ webhookId }) => webhookId)}::text[],
                ${wanted.map(({ event }) => event.source)}::text[], ${wanted.map(({ event }) => event.id)}::text[],
                ${wanted.map(({ event }) => event.type)}::text[], ${wanted.map(({ body }) => body)}::text[],
                ${wanted.map(({ traceparent }) => traceparent)}::text[])
      as wanted (id, webhook_id, event_source, event_id, event_type, body, traceparent)
    on conflict (tenant_id, webhook_id, event_source, event_id) do nothing
    returning 1`.execute(transaction);
  return rows.length;
}

const feedOf = (row: FeedRow): Feed => ({
  tenantId: row.tenant_id,
  position: { stream: row.stream, after: row.after_sequence },
});
