import { z } from 'zod';
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
