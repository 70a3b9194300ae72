import { type ModelPrice, type ModelRoute, modelRouteSchema } from '@millrace/contracts';
import { MillraceError, newId, notFound, systemClock } from '@millrace/kernel';
import { DATABASE, type ServiceDatabase } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderTables } from '../schema/tables.js';

/** A tenant's own route. */
export interface StoredRoute {
  readonly route: ModelRoute;
  readonly revision: string;
  readonly updatedAt: Date;
}

const mostRoutes = 200;

/** Routes and prices of tenants. */
@Injectable()
export class ModelRouteStore {
  constructor(@Inject(DATABASE) private readonly database: ServiceDatabase<LlmProviderTables>) {}

  /** All of a tenant, by name. */
  routes(tenantId: string): Promise<readonly StoredRoute[]> {
    return this.database.forTenant(tenantId, async (transaction) => {
      const rows = await transaction.selectFrom('model_route').selectAll().orderBy('name').execute();
      return rows.map(({ document, revision, updated_at }) => ({
        route: modelRouteSchema.parse(document),
        revision,
        updatedAt: updated_at,
      }));
    });
  }

  /** @throws MillraceError `too_many_routes` */
  putRoute(tenantId: string, route: ModelRoute): Promise<StoredRoute> {
    return this.database.forTenant(tenantId, async (transaction) => {
      const names = await transaction.selectFrom('model_route').select('name').forUpdate().execute();
      if (names.length >= mostRoutes && !names.some(({ name }) => name === route.name)) throw tooMany();
      const values = { document: JSON.stringify(route), revision: newId('rev'), updated_at: systemClock.now() };
      await transaction
        .insertInto('model_route')
        .values({ tenant_id: tenantId, name: route.name, ...values })
        .onConflict((conflict) => conflict.columns(['tenant_id', 'name']).doUpdateSet(values))
        .execute();
      return { route, revision: values.revision, updatedAt: values.updated_at };
    });
  }

  /** @throws MillraceError `unknown_model_route` */
  async deleteRoute(tenantId: string, name: string): Promise<void> {
    const { numDeletedRows } = await this.database.forTenant(tenantId, (transaction) =>
      transaction
        .deleteFrom('model_route')
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .executeTakeFirstOrThrow(),
    );
    if (numDeletedRows === 0n) throw unknownStoredRoute(name);
  }

  prices(tenantId: string): Promise<readonly ModelPrice[]> {
    return this.database.forTenant(tenantId, async (transaction) => {
      const rows = await transaction
        .selectFrom('model_price')
        .selectAll()
        .orderBy('model')
        .orderBy('first_day')
        .execute();
      return rows.map(({ model, first_day: from, input_usd, cached_input_usd: cached, output_usd }) => ({
        model,
        ...(from !== '' && { from }),
        inputUsdPerMillion: input_usd,
        ...(cached !== null && { cachedInputUsdPerMillion: cached }),
        outputUsdPerMillion: output_usd,
      }));
    });
  }

  /** Replaces all of a tenant. */
  async setPrices(tenantId: string, prices: readonly ModelPrice[]): Promise<void> {
    const rows = prices.map((price) => ({
      tenant_id: tenantId,
      model: price.model,
      first_day: price.from ?? '',
      input_usd: price.inputUsdPerMillion,
      cached_input_usd: price.cachedInputUsdPerMillion ?? null,
      output_usd: price.outputUsdPerMillion,
    }));
    await this.database.forTenant(tenantId, async (transaction) => {
      await transaction.deleteFrom('model_price').where('tenant_id', '=', tenantId).execute();
      if (rows.length > 0) await transaction.insertInto('model_price').values(rows).execute();
    });
  }
}

export const unknownStoredRoute = (name: string): MillraceError =>
  notFound('unknown_model_route', `There is no route ${name}.`);

const tooMany = (): MillraceError =>
  new MillraceError('conflict', 'too_many_routes', `There are ${mostRoutes} routes. Delete one first.`);
