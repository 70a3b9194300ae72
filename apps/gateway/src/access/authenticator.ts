import type { Cache } from '@millrace/cache';
import { MillraceError } from '@millrace/kernel';
import { Inject, Injectable } from '@nestjs/common';
import { CACHE } from '../cache.provider.js';
import { type KeyProof, KeyStore } from '../keys/key.store.js';
import { apiKeyIdOf, isKeyOf } from './api-key.js';
import type { Caller } from './caller.js';
import { KeyUse } from './key-use.js';

/** How long another process may go on believing in a key that was revoked here. */
const proofTtlMs = 5_000;

/** A key is found before its tenant is known, so its proof is kept under a scope that no tenant can have. */
const scope = '(keys)';

/** Finds out whose key a request presents. */
@Injectable()
export class Authenticator {
  constructor(
    @Inject(CACHE) private readonly cache: Cache,
    @Inject(KeyStore) private readonly store: KeyStore,
    @Inject(KeyUse) private readonly use: KeyUse,
  ) {}

  /**
   * The caller behind a request's headers.
   * @throws MillraceError `missing_api_key`, `invalid_api_key` (unknown, wrong and revoked keys alike).
   */
  async authenticate(headers: { readonly authorization?: string; readonly 'x-api-key'?: unknown }): Promise<Caller> {
    const presented = presentedKey(headers);
    const id = apiKeyIdOf(presented);
    const proof = id === null ? null : await this.proofOf(id);
    if (proof === null || !isKeyOf(presented, proof.secretSha256)) {
      throw new MillraceError('unauthenticated', 'invalid_api_key', 'This API key is not known, or it was revoked.');
    }
    this.use.note(proof.id);
    return { tenantId: proof.tenantId, keyId: proof.id, role: proof.role };
  }

  /** Makes a revocation count in this process at once. */
  async forget(id: string): Promise<void> {
    await this.cache.delete({ tenantId: scope, name: id });
  }

  private async proofOf(id: string): Promise<KeyProof | null> {
    return await this.cache.getOrLoad({ tenantId: scope, name: id }, proofTtlMs, async () => {
      const proof = await this.store.findProof(id);
      return proof ? { ...proof } : null;
    });
  }
}

function presentedKey(headers: { readonly authorization?: string; readonly 'x-api-key'?: unknown }): string {
  const [scheme = '', token = ''] = (headers.authorization ?? '').split(' ', 2);
  if (scheme.toLowerCase() === 'bearer' && token !== '') return token;
  const key = headers['x-api-key'];
  if (typeof key === 'string' && key !== '') return key;
  const message = 'Send an API key as "Authorization: Bearer KEY" or in the header X-API-Key.';
  throw new MillraceError('unauthenticated', 'missing_api_key', message);
}
