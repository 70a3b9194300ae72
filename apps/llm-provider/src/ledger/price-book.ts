import { systemClock } from '@millrace/kernel';
import { CONFIG } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import { Believed } from '../models/believed.js';
import { ModelRouteStore } from '../models/model-route.store.js';
import { PriceList, type Rates } from './price.js';

const noPrices = new PriceList([]);

/** What models cost: those of the installation by its configuration, those of a tenant's own providers as the tenant says. */
@Injectable()
export class PriceBook {
  private readonly installed: PriceList;
  private readonly providers: ReadonlySet<string>;
  private readonly tenants: Believed<PriceList>;

  constructor(@Inject(CONFIG) config: LlmProviderConfig, @Inject(ModelRouteStore) store: ModelRouteStore) {
    this.installed = new PriceList(config.prices);
    this.providers = new Set(config.providers.map(({ name }) => name));
    this.tenants = new Believed(async (tenantId) => new PriceList(await store.prices(tenantId)));
  }

  /** What a model costs a tenant now. */
  async at(tenantId: string, model: string): Promise<Rates> {
    const list = this.isInstalled(model) ? this.installed : await this.tenants.of(tenantId);
    return list.at(model, systemClock.now());
  }

  /** The same as far as it is known without a look; a model of which nothing is known yet costs nothing. */
  known(tenantId: string | null, model: string): Rates {
    const isInstalled = tenantId === null || this.isInstalled(model);
    const list = isInstalled ? this.installed : (this.tenants.last(tenantId) ?? noPrices);
    return list.at(model, systemClock.now());
  }

  isInstalled(model: string): boolean {
    return this.providers.has(model.split('/', 1)[0] ?? '');
  }

  /** What this process knew of a tenant's prices is out of date. */
  forget(tenantId: string): void {
    this.tenants.forget(tenantId);
  }
}
