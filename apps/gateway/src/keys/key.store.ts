import type { ApiKey, Role } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { MillraceError } from '@millrace/kernel';
import { DATABASE } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { type Selectable, sql, type Transaction } from 'kysely';
import type { GatewayTables } from '../schema/tables.js';

/** What proves a key: read before the tenant is known. */
export interface KeyProof {
  readonly tenantId: string;
  readonly id: string;
  readonly role: Role;
  readonly secretSha256: string;
}

export interface NewKeyRow {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly secretSha256: string;
  /** To the millisecond, as cursors carry it. */
  readonly createdAt: Date;
}

@Injectable()
export class KeyStore {
  constructor(@Inject(DATABASE) private readonly database: Database<GatewayTables>) {}

  /** The proof of a key that is not revoked. The one look across tenants: the key says whose it is. */
  async findProof(id: string): Promise<KeyProof | undefined> {
    return await this.database.asService((transaction) =>
      transaction
        .selectFrom('api_key')
        .select(['tenant_id as tenantId', 'id', 'role', 'secret_sha256 as secretSha256'])
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst(),
    );
  }

  async create(tenantId: string, key: NewKeyRow): Promise<ApiKey> {
    return await this.database.forTenant(tenantId, async (transaction) => {
      await ensureTenant(transaction, tenantId);
      return await insertKey(transaction, tenantId, key);
    });
  }

  /**
   * Creates a key unless the tenant has an admin key that is not revoked; null where it has. Two at once make one key.
   */
  async createFirst(tenantId: string, key: NewKeyRow): Promise<ApiKey | null> {
    return await this.database.forTenant(tenantId, async (transaction) => {
      await ensureTenant(transaction, tenantId);
      await lockTenant(transaction, tenantId);
      return (await hasActiveAdmin(transaction, tenantId)) ? null : await insertKey(transaction, tenantId, key);
    });
  }

  /** Keys made before that of the cursor, newest first. */
  async list(tenantId: string, limit: number, before: KeyCursor | undefined): Promise<ApiKey[]> {
    return await this.database.forTenant(tenantId, async (transaction) => {
      let query = transaction.selectFrom('api_key').selectAll().orderBy('created_at', 'desc').orderBy('id', 'desc');
      if (before) {
        query = query.where(sql<boolean>`(created_at, id) < (${before.createdAt}::timestamptz, ${before.id})`);
      }
      return (await query.limit(limit).execute()).map(keyOf);
    });
  }

  /**
   * Revokes a key for good; a revoked one stays as it is. Undefined where the tenant has no such key.
   * @throws MillraceError `last_admin_key` where nobody could make a key for the tenant afterwards.
   */
  async revoke(tenantId: string, id: string, now: Date): Promise<ApiKey | undefined> {
    return await this.database.forTenant(tenantId, async (transaction) => {
      await lockTenant(transaction, tenantId);
      const hadAdmin = await hasActiveAdmin(transaction, tenantId);
      const row = await transaction
        .updateTable('api_key')
        .set((expression) => ({ revoked_at: expression.fn.coalesce('revoked_at', sql<Date>`${now}::timestamptz`) }))
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst();
      if (hadAdmin && !(await hasActiveAdmin(transaction, tenantId))) throw lastAdminKey(id);
      return row && keyOf(row);
    });
  }

  /** Notes when keys were last used, many in one statement. */
  async noteUse(uses: readonly { readonly id: string; readonly at: Date }[]): Promise<void> {
    const [ids, times] = [uses.map(({ id }) => id), uses.map(({ at }) => at.toISOString())];
    await this.database.asService((transaction) =>
      sql`
        update api_key set last_used_at = greatest(api_key.last_used_at, used.at)
        from unnest(${ids}::text[], ${times}::timestamptz[]) as used (id, at)
        where api_key.id = used.id
      `.execute(transaction),
    );
  }
}

export interface KeyCursor {
  readonly createdAt: string;
  readonly id: string;
}

async function ensureTenant(transaction: Transaction<GatewayTables>, tenantId: string): Promise<void> {
  await transaction
    .insertInto('tenant')
    .values({ tenant_id: tenantId })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Held until the end of the transaction: of two that depend on which keys there are, the second sees the first's work. */
async function lockTenant(transaction: Transaction<GatewayTables>, tenantId: string): Promise<void> {
  await transaction.selectFrom('tenant').select('tenant_id').where('tenant_id', '=', tenantId).forUpdate().execute();
}

async function hasActiveAdmin(transaction: Transaction<GatewayTables>, tenantId: string): Promise<boolean> {
  const admin = await transaction
    .selectFrom('api_key')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('role', '=', 'admin')
    .where('revoked_at', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return admin !== undefined;
}

function lastAdminKey(id: string): MillraceError {
  const message = `Key ${id} is the last admin key: without it nobody could make another. Create another admin key first.`;
  return new MillraceError('conflict', 'last_admin_key', message);
}

async function insertKey(transaction: Transaction<GatewayTables>, tenantId: string, key: NewKeyRow): Promise<ApiKey> {
  const row = await transaction
    .insertInto('api_key')
    .values({
      tenant_id: tenantId,
      id: key.id,
      name: key.name,
      role: key.role,
      secret_sha256: key.secretSha256,
      created_at: key.createdAt,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return keyOf(row);
}

const keyOf = (row: Selectable<GatewayTables['api_key']>): ApiKey => ({
  id: row.id,
  name: row.name,
  role: row.role,
  createdAt: row.created_at.toISOString(),
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
  revokedAt: row.revoked_at?.toISOString() ?? null,
});
