import type { listPrices, ModelPrice, RequestOf, ResponseOf, setPrices } from '@millrace/contracts';
import { invalidInput, type Violation } from '@millrace/kernel';
import { CONFIG, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import { ModelRouteStore } from '../models/model-route.store.js';
import { PriceBook } from './price-book.js';

@Injectable()
export class ListPricesHandler implements CommandHandler<typeof listPrices> {
  constructor(
    @Inject(ModelRouteStore) private readonly store: ModelRouteStore,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
  ) {}

  async handle(_: RequestOf<typeof listPrices>, { tenantId }: CommandMessage): Promise<ResponseOf<typeof listPrices>> {
    const own = await this.store.prices(tenantId);
    const all = [
      ...this.config.prices.map((price) => ({ ...price, origin: 'installation' as const })),
      ...own.map((price) => ({ ...price, origin: 'tenant' as const })),
    ];
    return { items: all.sort((left, right) => keyOf(left).localeCompare(keyOf(right))) };
  }
}

@Injectable()
export class SetPricesHandler implements CommandHandler<typeof setPrices> {
  constructor(
    @Inject(ModelRouteStore) private readonly store: ModelRouteStore,
    @Inject(PriceBook) private readonly book: PriceBook,
    @Inject(ListPricesHandler) private readonly prices: ListPricesHandler,
  ) {}

  async handle({ items }: RequestOf<typeof setPrices>, message: CommandMessage): Promise<ResponseOf<typeof setPrices>> {
    const violations = items.flatMap((price, index) => this.mistakesIn(price, index, items));
    const [first] = violations;
    if (first !== undefined) throw invalidInput(first.code, 'The prices cannot be taken.', violations);
    await this.store.setPrices(message.tenantId, items);
    this.book.forget(message.tenantId);
    return this.prices.handle({}, message);
  }

  /** What the installation pays for, it prices itself: its budgets would be worth nothing otherwise. */
  private mistakesIn(price: ModelPrice, index: number, all: readonly ModelPrice[]): (Violation & { code: string })[] {
    const pointer = `/items/${index}/model`;
    if (this.book.isInstalled(price.model))
      return [{ code: 'price_of_installation', pointer, message: 'is of a provider of the installation' }];
    if (all.findIndex((other) => keyOf(other) === keyOf(price)) !== index)
      return [{ code: 'repeated_price', pointer, message: 'has a price of the same day already' }];
    return [];
  }
}

const keyOf = ({ model, from = '' }: ModelPrice): string => `${model} ${from}`;
