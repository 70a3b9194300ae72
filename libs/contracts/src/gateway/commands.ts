import { z } from 'zod';
import { defineCommand } from '../contract.js';

/** What a key may do: an `admin` may do all that an `editor` may, who may do all that a `viewer` may. */
export const roleSchema = z.enum(['viewer', 'editor', 'admin']);
export type Role = z.infer<typeof roleSchema>;

const ranks: Readonly<Record<Role, number>> = { viewer: 1, editor: 2, admin: 3 };

/** Whether a role may do what another one may. */
export const roleReaches = (role: Role, asked: Role): boolean => ranks[role] >= ranks[asked];

export const apiKeySchema = z.object({
  id: z.string(),
  name: z.string(),
  role: roleSchema,
  createdAt: z.iso.datetime(),
  /** To within a minute; null while it was never used. */
  lastUsedAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
});
export type ApiKey = z.infer<typeof apiKeySchema>;

/** `secret` is the key itself. It is shown here and never again: only its hash is kept. */
export const createdApiKeySchema = apiKeySchema.extend({ secret: z.string() });
export type CreatedApiKey = z.infer<typeof createdApiKeySchema>;

export const newApiKeySchema = z.strictObject({
  name: z.string().min(1).max(100),
  role: roleSchema,
});

/**
 * Creates a key for the tenant of the envelope, and the tenant where it is new. With `onlyFirst` it answers null
 * when the tenant has an admin key that is not revoked: a host asks so at every start and prints what it gets.
 */
export const createKey = defineCommand({
  owner: 'gateway',
  entity: 'key',
  action: 'create',
  version: 1,
  summary: 'Creates an API key; with `onlyFirst` only where the tenant has no active admin key.',
  request: newApiKeySchema.extend({ onlyFirst: z.boolean().default(false) }),
  response: z.object({ key: createdApiKeySchema.nullable() }),
});
