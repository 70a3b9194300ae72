import { z } from 'zod';
import { newProviderSchema, providerSchema } from '../llm-provider/provider.js';
import { nameSchema } from '../shared.js';
import { defineRoute } from './route.js';

const tag = 'providers';

export const providerRoutes = {
  putProvider: defineRoute({
    name: 'putProvider',
    tag,
    method: 'POST',
    path: '/v1/providers',
    summary:
      'Adds a provider of models, or changes the one of this name. Its key is kept encrypted and never given back.',
    role: 'admin',
    body: { kind: 'json', schema: newProviderSchema },
    responses: { 200: { description: 'The provider as it is now.', schema: providerSchema } },
  }),
  listProviders: defineRoute({
    name: 'listProviders',
    tag,
    method: 'GET',
    path: '/v1/providers',
    summary: 'The providers of models, those of the installation included.',
    role: 'viewer',
    responses: { 200: { description: 'All of them, by name.', schema: z.object({ items: z.array(providerSchema) }) } },
  }),
  deleteProvider: defineRoute({
    name: 'deleteProvider',
    tag,
    method: 'DELETE',
    path: '/v1/providers/{name}',
    summary: 'Forgets a provider and its key.',
    role: 'admin',
    params: z.strictObject({ name: nameSchema }),
    responses: { 200: { description: 'It is gone.', schema: z.object({ name: nameSchema }) } },
  }),
};
