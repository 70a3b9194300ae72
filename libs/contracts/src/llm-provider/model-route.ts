/** Routes, which are several models behind one name, and prices: as an operator's file holds them, and as tenants keep their own. */
import { z } from 'zod';
import { defineCommand } from '../contract.js';
import { nameSchema } from '../shared.js';
import { answerCacheSchema } from './chat.js';

const milliseconds = z.int().min(1).max(3_600_000);

/** `openai/gpt-5-mini` */
const targetModelSchema = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}\/[^\s]{1,200}$/, 'must be PROVIDER/MODEL');

export const routeTargetSchema = z.strictObject({
  model: targetModelSchema,
  /** Its share of the calls by the strategy `weighted`. */
  weight: z.number().positive().max(1_000).default(1),
  limits: z
    .strictObject({
      /** Calls at once from one process. */
      concurrency: z.int().min(1).max(10_000).default(16),
      /** Calls at once over all processes. */
      sharedConcurrency: z.int().min(1).max(10_000).optional(),
      /** In each minute, over all processes. */
      requestsPerMinute: z.int().min(1).max(10_000_000).optional(),
      tokensPerMinute: z.int().min(1).max(1_000_000_000).optional(),
    })
    .default({ concurrency: 16 }),
  /** In milliseconds; what is left out is as for every model. */
  timeout: z
    .strictObject({ first: milliseconds.optional(), idle: milliseconds.optional(), total: milliseconds.optional() })
    .default({}),
});
export type RouteTarget = z.infer<typeof routeTargetSchema>;

/** Several models behind one name, `route:NAME`. */
export const modelRouteSchema = z.strictObject({
  name: nameSchema,
  strategy: z.enum(['weighted', 'least-loaded', 'cheapest', 'fastest']).default('weighted'),
  targets: z.array(routeTargetSchema).min(1).max(50),
  /** Asked in this order when no target is left. */
  fallback: z.array(routeTargetSchema).max(20).default([]),
  /** How often the targets are gone through when all of them fail for a while. */
  rounds: z.int().min(1).max(10).default(2),
  /** Whether calls that say nothing themselves take answers that were given before, where these are meant to be the same. */
  cache: answerCacheSchema.optional(),
  /** Asks another target as well when the first one has shown nothing for so long. Both may be billed. */
  hedge: z.strictObject({ afterMs: z.int().min(10).max(600_000) }).optional(),
  /** Looks whether the targets' servers answer at all, while the route is used. Costs nothing at a provider. */
  probe: z
    .strictObject({
      everyMs: z.int().min(1_000).max(3_600_000).default(30_000),
      timeoutMs: z.int().min(100).max(30_000).default(2_000),
    })
    .optional(),
  /** Where calls wait when all targets are busy. */
  queue: z
    .strictObject({ size: z.int().min(0).max(100_000).default(100), deadlineMs: milliseconds.default(10_000) })
    .default({ size: 100, deadlineMs: 10_000 }),
});
export type ModelRoute = z.infer<typeof modelRouteSchema>;

const origin = {
  /** `installation`: from its configuration, for every tenant, not to be changed here. */
  origin: z.enum(['installation', 'tenant']),
};

export const storedModelRouteSchema = modelRouteSchema.extend({ ...origin, updatedAt: z.iso.datetime().nullable() });
export type StoredModelRoute = z.infer<typeof storedModelRouteSchema>;

const usdSchema = z.number().min(0).max(1_000_000);

/** What a model costs from a day on, in US dollars for a million tokens. */
export const modelPriceSchema = z.strictObject({
  /** `openai/gpt-5-mini` */
  model: z.string().min(1).max(300),
  /** The first day, in UTC; absent: always. */
  from: z.iso.date().optional(),
  inputUsdPerMillion: usdSchema,
  /** Of input that the provider had cached; absent: as other input. */
  cachedInputUsdPerMillion: usdSchema.optional(),
  outputUsdPerMillion: usdSchema,
});
export type ModelPrice = z.infer<typeof modelPriceSchema>;

const owner = 'llm-provider';
const onRoutes = { owner, entity: 'model-route', version: 1 } as const;

/** Refuses with `route_of_installation`, `unknown_target` (no provider of the tenant's own), `too_many_routes`. */
export const putModelRoute = defineCommand({
  ...onRoutes,
  action: 'put',
  summary: 'Adds a route over the own providers of a tenant, or changes the one of this name.',
  request: modelRouteSchema,
  response: storedModelRouteSchema,
});

export const listModelRoutes = defineCommand({
  ...onRoutes,
  action: 'list',
  summary: "The tenant's routes and those of the installation, by name.",
  request: z.strictObject({}),
  response: z.object({ items: z.array(storedModelRouteSchema) }),
});

/** Refuses with `unknown_model_route`. */
export const getModelRoute = defineCommand({
  ...onRoutes,
  action: 'get',
  summary: 'One route.',
  request: z.strictObject({ name: nameSchema }),
  response: storedModelRouteSchema,
});

/** Refuses with `unknown_model_route`, `route_of_installation`. */
export const deleteModelRoute = defineCommand({
  ...onRoutes,
  action: 'delete',
  summary: 'Forgets a route.',
  request: z.strictObject({ name: nameSchema }),
  response: z.object({ name: nameSchema }),
});

const pricesSchema = z.object({ items: z.array(modelPriceSchema.extend(origin)) });
export const newPricesSchema = z.strictObject({ items: z.array(modelPriceSchema).max(1_000) });

export const listPrices = defineCommand({
  owner,
  entity: 'price',
  action: 'list',
  version: 1,
  summary: 'What models cost: those of the installation, and the own ones of the tenant.',
  request: z.strictObject({}),
  response: pricesSchema,
});

/** Refuses with `price_of_installation` for models of providers that are not the tenant's own, `repeated_price`. */
export const setPrices = defineCommand({
  owner,
  entity: 'price',
  action: 'set',
  version: 1,
  summary: "Says what the models of the tenant's own providers cost, in place of what was said before.",
  request: newPricesSchema,
  response: pricesSchema,
});
