import { sql, type Transaction } from 'kysely';
import type { OutgoingMessage } from '../bus.js';
import { assertSubject } from '../subject.js';
import { requireStream } from '../topology.js';
import { encodeEnvelope } from '../wire/envelope.js';
import { checkHeaders } from '../wire/headers.js';

export interface WriteOutboxOptions {
  /** Not to be published before; the database's clock decides when that is. */
  readonly availableAt?: Date;
}

/**
 * Writes messages in the business transaction: they are published if and only if it commits. Wake the relay afterwards, or
 * let it find them. A message whose id waits already is not written again.
 * @throws MillraceError for what the bus would refuse (`invalid_subject`, `not_a_stored_subject`, `invalid_headers`,
 *   `invalid_message`, `payload_too_large`), before anything is written
 */
export async function writeOutbox<Tables>(
  transaction: Transaction<Tables>,
  messages: readonly OutgoingMessage[],
  { availableAt }: WriteOutboxOptions = {},
): Promise<void> {
  if (messages.length === 0) return;
  const rows = messages.map(({ subject, envelope, headers = {} }) => {
    assertSubject(subject);
    requireStream(subject);
    checkHeaders(headers);
    const { tenantId: tenant_id, id } = envelope;
    return { tenant_id, id, subject, envelope: encodeEnvelope(envelope).toString(), headers };
  });
  await sql`
    insert into outbox_message (tenant_id, id, subject, envelope, headers, available_at)
    select tenant_id, id, subject, envelope::json, headers, coalesce(${availableAt ?? null}::timestamptz, now())
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as message (tenant_id text, id text, subject text, envelope text, headers jsonb)
    on conflict do nothing`.execute(transaction);
}
