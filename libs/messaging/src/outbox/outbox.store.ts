/** What the relay does with the outbox table; each operation is one statement. */
import type { Envelope } from '@millrace/contracts';
import type { ErrorShape } from '@millrace/kernel';
import { sql, type Transaction } from 'kysely';
import type { Headers } from '../bus.js';

export interface OutboxRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly subject: string;
  readonly envelope: Envelope;
  readonly headers: Headers;
  readonly attempts: number;
}

type Key = Pick<OutboxRow, 'tenant_id' | 'id'>;

export interface OutboxFailure extends Key {
  readonly error: ErrorShape;
  /** Undefined parks the row: it stays, with its failure, until somebody looks. */
  readonly retryAfterMs: number | undefined;
}

/** Due messages that no other relay holds, oldest first; held until the transaction ends. */
export async function takeDue<Tables>(transaction: Transaction<Tables>, limit: number): Promise<readonly OutboxRow[]> {
  const { rows } = await sql<OutboxRow>`
    select tenant_id, id, subject, envelope, headers, attempts
    from outbox_message
    where available_at <= now()
    order by available_at, position
    limit ${limit}
    for update skip locked`.execute(transaction);
  return rows;
}

/** Counting stops here: a number that large says enough, and costs no more than this. */
const mostCounted = 10_000;

export interface OutboxStatus {
  readonly waiting: number;
  /** Never to be published. */
  readonly parked: number;
  /** How long the oldest message that is due has waited, in seconds. */
  readonly oldestSeconds: number;
}

export async function outboxStatus<Tables>(transaction: Transaction<Tables>): Promise<OutboxStatus> {
  const { rows } = await sql<OutboxStatus>`
    select
      (select count(*)::integer from (
        select from outbox_message where available_at < 'infinity' limit ${mostCounted}) as counted) as "waiting",
      (select count(*)::integer from (
        select from outbox_message where available_at = 'infinity' limit ${mostCounted}) as counted) as "parked",
      coalesce(extract(epoch from clock_timestamp() - (
        select available_at from outbox_message where available_at <= now() order by available_at limit 1
      )), 0)::float8 as "oldestSeconds"`.execute(transaction);
  const [status] = rows;
  return status ?? { waiting: 0, parked: 0, oldestSeconds: 0 };
}

export async function removePublished<Tables>(transaction: Transaction<Tables>, keys: readonly Key[]): Promise<void> {
  if (keys.length === 0) return;
  await sql`
    delete from outbox_message
    using unnest(${keys.map((key) => key.tenant_id)}::text[], ${keys.map((key) => key.id)}::text[]) as published (tenant_id, id)
    where outbox_message.tenant_id = published.tenant_id and outbox_message.id = published.id`.execute(transaction);
}

export async function recordFailures<Tables>(
  transaction: Transaction<Tables>,
  failures: readonly OutboxFailure[],
): Promise<void> {
  if (failures.length === 0) return;
  const rows = failures.map(({ tenant_id, id, error, retryAfterMs }) => {
    const seconds = retryAfterMs === undefined ? null : retryAfterMs / 1000;
    return { tenant_id, id, failure: error, seconds };
  });
  await sql`
    update outbox_message
    set attempts = attempts + 1,
      failure = failed.failure,
      available_at = coalesce(clock_timestamp() + make_interval(secs => failed.seconds), 'infinity')
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as failed (tenant_id text, id text, failure jsonb, seconds double precision)
    where outbox_message.tenant_id = failed.tenant_id and outbox_message.id = failed.id`.execute(transaction);
}
