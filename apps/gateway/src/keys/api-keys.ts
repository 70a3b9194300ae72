import type { ApiKey, CreatedApiKey } from '@millrace/contracts';
import type { Clock } from '@millrace/kernel';
import { CLOCK } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { Authenticator } from '../access/authenticator.js';
import { type KeyCursor, KeyStore } from './key.store.js';
import { type KeyRequest, newKey } from './new-key.js';

/** The API keys of a tenant: made, listed and revoked. */
@Injectable()
export class ApiKeys {
  constructor(
    @Inject(KeyStore) private readonly store: KeyStore,
    @Inject(Authenticator) private readonly authenticator: Authenticator,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Makes a key, and the tenant where it is new. The answer holds the key itself, for the only time. */
  async create(tenantId: string, request: KeyRequest): Promise<CreatedApiKey> {
    const { row, secret } = newKey(request, this.clock.now());
    return { ...(await this.store.create(tenantId, row)), secret };
  }

  /** Makes a key only for a tenant without an active admin key; null for others. */
  async createFirst(tenantId: string, request: KeyRequest): Promise<CreatedApiKey | null> {
    const { row, secret } = newKey(request, this.clock.now());
    const key = await this.store.createFirst(tenantId, row);
    return key && { ...key, secret };
  }

  async list(tenantId: string, limit: number, before: KeyCursor | undefined): Promise<ApiKey[]> {
    return await this.store.list(tenantId, limit, before);
  }

  /**
   * Revokes a key: in this process at once, in others within seconds. Undefined where the tenant has no such key.
   * @throws MillraceError `last_admin_key`.
   */
  async revoke(tenantId: string, id: string): Promise<ApiKey | undefined> {
    const key = await this.store.revoke(tenantId, id, this.clock.now());
    if (key) await this.authenticator.forget(id);
    return key;
  }
}
