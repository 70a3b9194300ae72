import type { Envelope } from '@millrace/contracts';
import { inboxDuplicates } from '@millrace/telemetry';
import { sql, type Transaction } from 'kysely';

export type HandledOnce<Result> = { readonly handled: true; readonly result: Result } | { readonly handled: false };

/**
 * Does the work of a message in the transaction that also remembers it: a repeat, at any time or at the same moment, does
 * nothing (`handled: false`), and a rollback forgets it. `consumer` names who handles it, the same on all replicas.
 */
export async function handleOnce<Tables, Result>(
  transaction: Transaction<Tables>,
  consumer: string,
  envelope: Pick<Envelope, 'tenantId' | 'id'>,
  work: () => Promise<Result>,
): Promise<HandledOnce<Result>> {
  const { rows } = await sql`
    insert into inbox_message (tenant_id, consumer, message_id)
    values (${envelope.tenantId}, ${consumer}, ${envelope.id})
    on conflict do nothing
    returning message_id`.execute(transaction);
  if (rows.length === 0) {
    inboxDuplicates.at({ 'messaging.consumer.group.name': consumer }).add(1);
    return { handled: false };
  }
  return { handled: true, result: await work() };
}

/**
 * Forgets messages that were handled longer ago than any repeat may come; at most `limit` at once, so that no
 * transaction grows long. Gives how many it forgot. For `asService`.
 */
export async function pruneInbox<Tables>(
  transaction: Transaction<Tables>,
  options: { readonly olderThanMs: number; readonly limit?: number },
): Promise<number> {
  const { olderThanMs, limit = 10_000 } = options;
  const { rows } = await sql`
    delete from inbox_message
    where (tenant_id, consumer, message_id) in (
      select tenant_id, consumer, message_id from inbox_message
      where handled_at < now() - make_interval(secs => ${olderThanMs / 1000}::double precision)
      order by handled_at
      limit ${limit})
    returning 1`.execute(transaction);
  return rows.length;
}
