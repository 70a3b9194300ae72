import type { Migrations } from '@millrace/database';
import { tenantsKeysAndIdempotency } from './migrations/0001_tenants_keys_and_idempotency.js';
import { storedResponses } from './migrations/0003_stored_responses.js';
import { tracesOfDeliveries } from './migrations/0004_traces_of_deliveries.js';
import { webhooks } from './migrations/0002_webhooks.js';

export const migrations: Migrations = {
  '0001_tenants_keys_and_idempotency': tenantsKeysAndIdempotency,
  '0002_webhooks': webhooks,
  '0003_stored_responses': storedResponses,
  '0004_traces_of_deliveries': tracesOfDeliveries,
};
