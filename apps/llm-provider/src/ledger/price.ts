import { type ModelPrice, modelPriceSchema, type Usage } from '@millrace/contracts';
import type { TokenUsage } from '../providers/chat-model.js';

export const priceSchema = modelPriceSchema;
export type Price = ModelPrice;
export type Rates = Omit<Price, 'model' | 'from'>;

const free: Rates = { inputUsdPerMillion: 0, outputUsdPerMillion: 0 };
const million = 1_000_000;

/** Prices by model and day. A model that has none is free. */
export class PriceList {
  private readonly prices = new Map<string, readonly Price[]>();

  constructor(prices: readonly Price[]) {
    const newestFirst = [...prices].sort((left, right) => (right.from ?? '').localeCompare(left.from ?? ''));
    for (const price of newestFirst) this.prices.set(price.model, [...(this.prices.get(price.model) ?? []), price]);
  }

  /** What a model costs at a moment. */
  at(model: string, moment: Date): Rates {
    const day = moment.toISOString().slice(0, 10);
    return this.prices.get(model)?.find(({ from = '' }) => from <= day) ?? free;
  }
}

/** Token counts with what they cost, to the billionth of a dollar. */
export function priced({ promptTokens, cachedPromptTokens = 0, completionTokens }: TokenUsage, rates: Rates): Usage {
  const { inputUsdPerMillion: input, cachedInputUsdPerMillion: cached = input, outputUsdPerMillion: output } = rates;
  const fresh = promptTokens - cachedPromptTokens;
  const usd = (fresh * input + cachedPromptTokens * cached + completionTokens * output) / million;
  return { promptTokens, completionTokens, costUsd: Math.round(usd * 1e9) / 1e9 };
}
