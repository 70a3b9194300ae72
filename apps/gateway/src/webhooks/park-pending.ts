import { sql, type Transaction } from 'kysely';
import type { GatewayTables } from '../schema/tables.js';

/** Nothing that waits for a webhook is sent any more, unless somebody asks for it. */
export async function parkPending(
  transaction: Transaction<GatewayTables>,
  tenantId: string,
  webhookId: string,
): Promise<void> {
  await sql`
    update webhook_delivery
    set state = 'parked', due_at = null, leased_until = null, last_error = coalesce(last_error, 'webhook_disabled')
    where tenant_id = ${tenantId} and webhook_id = ${webhookId} and state = 'pending'`.execute(transaction);
}
