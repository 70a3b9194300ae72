import { z } from 'zod';
import { defineCommand } from '../contract.js';
import { nameSchema } from '../shared.js';

/** Whose protocol a provider speaks. */
export const providerKindSchema = z.enum([
  'openai',
  'anthropic',
  'google',
  'groq',
  'mistral',
  'azure-openai',
  'openai-compatible',
]);
export type ProviderKind = z.infer<typeof providerKindSchema>;

/** An address without credentials, which would end up in logs. */
const providerAddressSchema = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .max(2_000)
  .regex(/^https?:\/\/[^@?#]*$/, 'must hold no user, password, query or fragment');

const modelIdSchema = z.string().regex(/^[^\s]{1,200}$/, 'must be the name that the provider gives to a model');

/** Where models are; a model is called `NAME/MODEL` with the name of its provider. */
export const newProviderSchema = z.strictObject({
  name: nameSchema,
  kind: providerKindSchema,
  /** The root of its API. Needed for `openai-compatible` and `azure-openai`; the others have one of their own. */
  baseUrl: providerAddressSchema.optional(),
  /** Sent to the host of `baseUrl` alone, kept encrypted, never given back. Absent: the one that is there stays. */
  apiKey: z.string().min(1).max(4_000).optional(),
  /** Models to list. Others of this provider can be called all the same. */
  models: z.array(modelIdSchema).max(500).default([]),
  /** Calls at once from one process. */
  concurrency: z.int().min(1).max(1_000).default(16),
});
export type NewProvider = z.infer<typeof newProviderSchema>;

export const providerSchema = z.object({
  name: nameSchema,
  kind: providerKindSchema,
  baseUrl: z.string(),
  models: z.array(z.string()),
  concurrency: z.int(),
  /** Whether there is a key. The key itself is in no answer. */
  hasKey: z.boolean(),
  /** `installation`: from its configuration, for every tenant, not to be changed here. */
  origin: z.enum(['installation', 'tenant']),
  updatedAt: z.iso.datetime().nullable(),
});
export type Provider = z.infer<typeof providerSchema>;

const owner = 'llm-provider';
const entity = 'provider';

/**
 * Refuses with `missing_base_url`, `host_not_allowed`, `provider_of_installation`, `too_many_providers`, `key_needed_for_host` (a
 * key is never sent to another host than the one it was given for), `secrets_not_configured`.
 */
export const putProvider = defineCommand({
  owner,
  entity,
  action: 'put',
  version: 1,
  summary: 'Adds a provider of models, or changes the one of this name.',
  request: newProviderSchema,
  response: providerSchema,
});

export const listProviders = defineCommand({
  owner,
  entity,
  action: 'list',
  version: 1,
  summary: "The tenant's providers and those of the installation, by name.",
  request: z.strictObject({}),
  response: z.object({ items: z.array(providerSchema) }),
});

/** Refuses with `unknown_provider`, `provider_of_installation`. */
export const deleteProvider = defineCommand({
  owner,
  entity,
  action: 'delete',
  version: 1,
  summary: 'Forgets a provider and its key.',
  request: z.strictObject({ name: nameSchema }),
  response: z.object({ name: nameSchema }),
});
