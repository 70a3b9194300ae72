import {
  type BodyInputOf,
  type Provider,
  type QueryInputOf,
  type ResponseBodyOf,
  routes,
  type StoredModelRoute,
} from '@millrace/contracts';
import type { CallOptions } from './client-options.js';
import type { Transport } from './transport.js';

type Given<Name extends keyof typeof routes> = BodyInputOf<(typeof routes)[Name]>;
type Reply<Name extends keyof typeof routes> = Promise<ResponseBodyOf<(typeof routes)[Name]>>;

/** Providers of models, routes over them, prices, and what they have cost: a method for each route. */
export class ModelsClient {
  constructor(private readonly transport: Transport) {}

  /** Adds a provider of models, or changes the one of this name. */
  async putProvider(body: BodyInputOf<typeof routes.putProvider>, options: CallOptions = {}): Promise<Provider> {
    return (await this.transport.call(routes.putProvider, { body, isRepeatable: true, ...options })).body;
  }

  async listProviders(options: CallOptions = {}): Promise<ResponseBodyOf<typeof routes.listProviders>> {
    return (await this.transport.call(routes.listProviders, options)).body;
  }

  async deleteProvider(name: string, options: CallOptions = {}): Promise<void> {
    await this.transport.call(routes.deleteProvider, { params: { name }, ...options });
  }

  async listModelRoutes(options: CallOptions = {}): Reply<'listModelRoutes'> {
    return (await this.transport.call(routes.listModelRoutes, options)).body;
  }

  async getModelRoute(name: string, options: CallOptions = {}): Promise<StoredModelRoute> {
    return (await this.transport.call(routes.getModelRoute, { params: { name }, ...options })).body;
  }

  /** Adds a route over the tenant's own providers, or changes it. */
  async putModelRoute(
    name: string,
    body: BodyInputOf<typeof routes.putModelRoute>,
    options: CallOptions = {},
  ): Promise<StoredModelRoute> {
    const call = { params: { name }, body, isRepeatable: true, ...options };
    return (await this.transport.call(routes.putModelRoute, call)).body;
  }

  async deleteModelRoute(name: string, options: CallOptions = {}): Promise<void> {
    await this.transport.call(routes.deleteModelRoute, { params: { name }, ...options });
  }

  async listPrices(options: CallOptions = {}): Reply<'listPrices'> {
    return (await this.transport.call(routes.listPrices, options)).body;
  }

  /** Says what models of the tenant's own providers cost, in place of what was said before. */
  async setPrices(body: Given<'setPrices'>, options: CallOptions = {}): Reply<'setPrices'> {
    return (await this.transport.call(routes.setPrices, { body, isRepeatable: true, ...options })).body;
  }

  /** Orders texts by what they say on a query, the best first. */
  async rerank(body: Given<'rerank'>, options: CallOptions = {}): Reply<'rerank'> {
    return (await this.transport.call(routes.rerank, { body, ...options })).body;
  }

  /** Completions by day, model and key, with tokens and cost. */
  async readUsage(
    query: QueryInputOf<typeof routes.readUsage> = {},
    options: CallOptions = {},
  ): Promise<ResponseBodyOf<typeof routes.readUsage>> {
    return (await this.transport.call(routes.readUsage, { query, ...options })).body;
  }

  async listBudgets(options: CallOptions = {}): Promise<ResponseBodyOf<typeof routes.listBudgets>> {
    return (await this.transport.call(routes.listBudgets, options)).body;
  }

  /** Bounds what the tenant, or one of its keys, may spend on models in a month. */
  async setBudget(body: Given<'setBudget'>, options: CallOptions = {}): Reply<'setBudget'> {
    return (await this.transport.call(routes.setBudget, { body, isRepeatable: true, ...options })).body;
  }
}
