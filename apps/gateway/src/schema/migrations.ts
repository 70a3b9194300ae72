import type { Migrations } from '@millrace/database';
import { tenantsKeysAndIdempotency } from './migrations/0001_tenants_keys_and_idempotency.js';
import { webhooks } from './migrations/0002_webhooks.js';

export const migrations: Migrations = {
  '0001_tenants_keys_and_idempotency': tenantsKeysAndIdempotency,
  '0002_webhooks': webhooks,
};
