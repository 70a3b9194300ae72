import { z } from 'zod';
import { apiKeySchema, createdApiKeySchema, newApiKeySchema } from '../gateway/commands.js';
import { pageOf, pageRequestSchema } from '../shared.js';
import { defineRoute } from './route.js';

const tag = 'keys';

export const keyRoutes = {
  createKey: defineRoute({
    name: 'createKey',
    tag,
    method: 'POST',
    path: '/v1/keys',
    summary: 'Creates an API key. The key itself is in this answer and never again.',
    role: 'admin',
    body: { kind: 'json', schema: newApiKeySchema },
    responses: { 201: { description: 'The key.', schema: createdApiKeySchema } },
  }),
  listKeys: defineRoute({
    name: 'listKeys',
    tag,
    method: 'GET',
    path: '/v1/keys',
    summary: 'API keys, newest first, revoked ones included.',
    role: 'admin',
    query: z.strictObject(pageRequestSchema.shape),
    responses: { 200: { description: 'A page of keys.', schema: pageOf(apiKeySchema) } },
  }),
  revokeKey: defineRoute({
    name: 'revokeKey',
    tag,
    method: 'DELETE',
    path: '/v1/keys/{id}',
    summary: 'Revokes an API key for good; the last active admin key is refused with `last_admin_key`.',
    role: 'admin',
    params: z.strictObject({ id: z.string().regex(/^[0-9A-Za-z]{1,40}$/, 'must be the id of a key') }),
    responses: { 200: { description: 'The key as it is now.', schema: apiKeySchema } },
  }),
};
