import { z } from 'zod';
import { listPrices, modelRouteSchema, newPricesSchema, storedModelRouteSchema } from '../llm-provider/model-route.js';
import { nameSchema } from '../shared.js';
import { defineRoute } from './route.js';

const tag = 'models';
const params = z.strictObject({ name: nameSchema });
const prices = listPrices.response;

export const modelRouteRoutes = {
  listModelRoutes: defineRoute({
    name: 'listModelRoutes',
    tag,
    method: 'GET',
    path: '/v1/routes',
    summary: 'Routes, which are several models behind one name; those of the installation included.',
    role: 'viewer',
    responses: {
      200: { description: 'All of them, by name.', schema: z.object({ items: z.array(storedModelRouteSchema) }) },
    },
  }),
  getModelRoute: defineRoute({
    name: 'getModelRoute',
    tag,
    method: 'GET',
    path: '/v1/routes/{name}',
    summary: 'One route.',
    role: 'viewer',
    params,
    responses: { 200: { description: 'The route.', schema: storedModelRouteSchema } },
  }),
  putModelRoute: defineRoute({
    name: 'putModelRoute',
    tag,
    method: 'PUT',
    path: '/v1/routes/{name}',
    summary: "Adds a route over the tenant's own providers, or changes it.",
    role: 'admin',
    params,
    body: { kind: 'json', schema: modelRouteSchema.omit({ name: true }) },
    responses: { 200: { description: 'The route as it is now.', schema: storedModelRouteSchema } },
  }),
  deleteModelRoute: defineRoute({
    name: 'deleteModelRoute',
    tag,
    method: 'DELETE',
    path: '/v1/routes/{name}',
    summary: 'Forgets a route.',
    role: 'admin',
    params,
    responses: { 200: { description: 'It is gone.', schema: z.object({ name: nameSchema }) } },
  }),
  listPrices: defineRoute({
    name: 'listPrices',
    tag,
    method: 'GET',
    path: '/v1/prices',
    summary: 'What models cost; a model without a price costs nothing.',
    role: 'viewer',
    responses: { 200: { description: 'All prices, by model and day.', schema: prices } },
  }),
  setPrices: defineRoute({
    name: 'setPrices',
    tag,
    method: 'PUT',
    path: '/v1/prices',
    summary: "Says what the models of the tenant's own providers cost, in place of what was said before.",
    role: 'admin',
    body: { kind: 'json', schema: newPricesSchema },
    responses: { 200: { description: 'All prices as they are now.', schema: prices } },
  }),
};
