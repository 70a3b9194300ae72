import { tenantIdSchema, type CreatedApiKey } from '@millrace/contracts';
import { MillraceError, systemClock } from '@millrace/kernel';
import { invalidArguments, type OperatorTask } from '@millrace/service';
import type { GatewayTables } from '../schema/tables.js';
import { KeyStore } from './key.store.js';
import { newKey } from './new-key.js';

/**
 * Makes the key that all others are made with, for whoever may use the gateway's database: over HTTP a key is needed to make one, and
 * no service's user of the bus may ask for it.
 */
export const firstKeyTask: OperatorTask<GatewayTables> = {
  name: 'first-key',
  synopsis: '[--tenant <id>] [--json]',
  explanation: [
    'make the first admin key of a tenant (of "default" unless said otherwise), and the tenant where it is new;',
    'print the key, for the only time, and exit: 0 done, 1 not possible, as when the tenant has an admin key,',
    '64 wrong arguments, 78 wrong configuration',
  ],
  options: { tenant: { type: 'string', default: 'default' }, json: { type: 'boolean', default: false } },

  async run(database, { tenant, json }) {
    const tenantId = tenantIdSchema.safeParse(tenant);
    if (!tenantId.success) throw invalidArguments(`--tenant ${tenantId.error.issues[0]?.message ?? 'is wrong'}.`);
    const { row, secret } = newKey({ name: 'first', role: 'admin' }, systemClock.now());
    const stored = await new KeyStore(database).createFirst(tenantId.data, row);
    if (stored === null) throw hasAdminKey(tenantId.data);
    const key: CreatedApiKey = { ...stored, secret };
    return {
      result: json === true ? JSON.stringify({ tenantId: tenantId.data, ...key }) : secret,
      note: `The first admin key of the tenant ${tenantId.data}. Keep it: it is shown only now.`,
    };
  },
};

function hasAdminKey(tenantId: string): MillraceError {
  const message =
    `The tenant ${tenantId} has an admin key. Make further keys with it (POST /v1/keys). ` +
    'If nobody has it any more, an operator of the database may set its revoked_at and ask again.';
  return new MillraceError('conflict', 'admin_key_exists', message);
}
