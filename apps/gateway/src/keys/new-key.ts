import type { Role } from '@millrace/contracts';
import { generateApiKey } from '../access/api-key.js';
import type { NewKeyRow } from './key.store.js';

export interface KeyRequest {
  readonly name: string;
  readonly role: Role;
}

/** A key that nobody has yet: the row that proves it, and the key itself. */
export function newKey({ name, role }: KeyRequest, now: Date): { readonly row: NewKeyRow; readonly secret: string } {
  const { id, secret, secretSha256 } = generateApiKey();
  return { row: { id, name, role, secretSha256, createdAt: now }, secret };
}
