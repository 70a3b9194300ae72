import type { NewProvider, ProviderKind } from '@millrace/contracts';
import { MillraceError, newId, notFound, systemClock } from '@millrace/kernel';
import { CONFIG, DATABASE, type SealedSecret, SecretBox, type ServiceDatabase } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import type { LlmProviderTables } from '../schema/tables.js';

/** A tenant's own provider, its key still sealed. */
export interface StoredProvider {
  readonly tenantId: string;
  readonly name: string;
  readonly kind: ProviderKind;
  readonly baseUrl: string;
  readonly models: readonly string[];
  readonly concurrency: number;
  readonly secret: SealedSecret | null;
  readonly revision: string;
  readonly updatedAt: Date;
}

const mostProviders = 100;

/** Tenants' own providers. Keys are sealed for their tenant, their provider and its host: none opens for anything else. */
@Injectable()
export class ProviderStore {
  private readonly box: SecretBox;

  constructor(
    @Inject(DATABASE) private readonly database: ServiceDatabase<LlmProviderTables>,
    @Inject(CONFIG) config: LlmProviderConfig,
  ) {
    this.box = new SecretBox(config.secretKeys, 'MILLRACE_LLM_SECRET_KEYS');
  }

  /** All of a tenant, by name. */
  list(tenantId: string): Promise<readonly StoredProvider[]> {
    return this.database.forTenant(tenantId, async (transaction) => {
      const rows = await transaction.selectFrom('provider').selectAll().orderBy('name').execute();
      return rows.map(storedOf);
    });
  }

  /**
   * Adds a provider or changes it. Without a key in `given` the one that is there stays, if the host stays.
   * @throws MillraceError `key_needed_for_host`, `too_many_providers`, `secrets_not_configured`, `secret_unreadable`
   */
  put(tenantId: string, given: NewProvider & { readonly baseUrl: string }): Promise<StoredProvider> {
    return this.database.forTenant(tenantId, async (transaction) => {
      const rows = await transaction.selectFrom('provider').selectAll().orderBy('name').forUpdate().execute();
      const known = rows.map(storedOf).find(({ name }) => name === given.name);
      if (known === undefined && rows.length >= mostProviders) throw tooMany();
      const secret = this.secretFor({ tenantId, ...given }, known);
      const values = {
        kind: given.kind,
        base_url: given.baseUrl,
        models: JSON.stringify(given.models),
        concurrency: given.concurrency,
        secret_key_id: secret?.keyId ?? null,
        sealed_api_key: secret?.sealed ?? null,
        revision: newId('rev'),
        updated_at: systemClock.now(),
      };
      const row = await transaction
        .insertInto('provider')
        .values({ tenant_id: tenantId, name: given.name, ...values })
        .onConflict((conflict) => conflict.columns(['tenant_id', 'name']).doUpdateSet(values))
        .returningAll()
        .executeTakeFirstOrThrow();
      return storedOf(row);
    });
  }

  /** @throws MillraceError `unknown_provider` */
  async delete(tenantId: string, name: string): Promise<void> {
    const { numDeletedRows } = await this.database.forTenant(tenantId, (transaction) =>
      transaction
        .deleteFrom('provider')
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .executeTakeFirstOrThrow(),
    );
    if (numDeletedRows === 0n) throw notFound('unknown_provider', `There is no provider ${name}.`);
  }

  /** The provider's key; null where it has none. @throws MillraceError `secret_unreadable` */
  keyOf(provider: StoredProvider): string | null {
    return provider.secret && this.box.open(provider.secret, purposeOf(provider));
  }

  private secretFor(
    given: NewProvider & { readonly tenantId: string; readonly baseUrl: string },
    known: StoredProvider | undefined,
  ): SealedSecret | null {
    if (given.apiKey !== undefined) return this.box.seal(given.apiKey, purposeOf(given));
    if (known?.secret == null) return null;
    if (purposeOf(known) !== purposeOf(given)) throw keyNeeded();
    // A change is a chance to leave an older key behind.
    return this.box.isCurrent(known.secret) ? known.secret : this.box.seal(this.keyOf(known) ?? '', purposeOf(given));
  }
}

const purposeOf = ({ tenantId, name, baseUrl }: { tenantId: string; name: string; baseUrl: string }): string =>
  JSON.stringify([tenantId, name, new URL(baseUrl).origin]);

const tooMany = (): MillraceError =>
  new MillraceError('conflict', 'too_many_providers', `There are ${mostProviders} providers. Delete one first.`);

const keyNeeded = (): MillraceError =>
  new MillraceError('invalid', 'key_needed_for_host', 'The key was given for another host. Give the key of this one.', {
    violations: [{ pointer: '/apiKey', message: 'is needed, because baseUrl names another host than before' }],
  });

interface ProviderRow {
  readonly tenant_id: string;
  readonly name: string;
  readonly kind: ProviderKind;
  readonly base_url: string;
  readonly models: string[];
  readonly concurrency: number;
  readonly secret_key_id: string | null;
  readonly sealed_api_key: string | null;
  readonly revision: string;
  readonly updated_at: Date;
}

function storedOf(row: ProviderRow): StoredProvider {
  const { secret_key_id: keyId, sealed_api_key: sealed } = row;
  return {
    tenantId: row.tenant_id,
    name: row.name,
    kind: row.kind,
    baseUrl: row.base_url,
    models: row.models,
    concurrency: row.concurrency,
    secret: keyId === null || sealed === null ? null : { keyId, sealed },
    revision: row.revision,
    updatedAt: row.updated_at,
  };
}
