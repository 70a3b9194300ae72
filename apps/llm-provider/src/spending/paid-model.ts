import { systemClock } from '@millrace/kernel';
import type { PriceList, Rates } from '../ledger/price.js';
import { priced } from '../ledger/price.js';
import type { ChatAnswer, ChatListener, ChatModel, ChatRequest } from '../providers/chat-model.js';
import { countTokens } from '../providers/token-count.js';
import type { Budgets, Hold } from './budgets.js';
import { mostCost } from './most-cost.js';

export interface PaidModelOptions {
  readonly prices: PriceList;
  readonly budgets: Budgets;
  /** Every model that may answer: what is held is enough for each of them. */
  readonly models: readonly string[];
  /** Tokens of an answer for which a request names no limit. */
  readonly maxTokens: number;
  /** How long a call can take at most, in milliseconds. */
  readonly longestCallMs: number;
  /** Told when a cost could not be written down; its hold counts as spent later. */
  readonly onUnsettled: (error: unknown) => void;
}

/** A model whose calls are paid from the budgets of whoever makes them. A model that costs nothing asks no budget. */
export class PaidModel implements ChatModel {
  readonly name: string;

  constructor(
    private readonly model: ChatModel,
    private readonly options: PaidModelOptions,
  ) {
    this.name = model.name;
  }

  /** @throws MillraceError `budget_exceeded`; as the model does */
  async chat(request: ChatRequest, listener: ChatListener): Promise<ChatAnswer> {
    const { payer } = listener;
    const most = mostCost(request, request.maxTokens ?? this.options.maxTokens, this.highestRates());
    const hold =
      payer === undefined || most === 0
        ? null
        : await this.options.budgets.hold(payer, most, this.options.longestCallMs);
    return hold === null ? this.model.chat(request, listener) : this.payFor(hold, request, listener);
  }

  private async payFor(hold: Hold, request: ChatRequest, listener: ChatListener): Promise<ChatAnswer> {
    let shown = '';
    try {
      const answer = await this.model.chat(request, {
        ...listener,
        onText: (text) => {
          shown += text;
          listener.onText(text);
        },
      });
      await this.settle(hold, priced(answer.usage, this.ratesOf(answer.model)).costUsd);
      return answer;
    } catch (error) {
      await this.settle(hold, shown === '' ? 0 : await this.costOfPart(request, shown));
      throw error;
    }
  }

  private async settle(hold: Hold, usd: number): Promise<void> {
    await this.options.budgets.settle(hold, usd).catch(this.options.onUnsettled);
  }

  /** Of an answer that broke off: the provider tells nothing, and charges for what it wrote. */
  private async costOfPart(request: ChatRequest, shown: string): Promise<number> {
    const [promptTokens, completionTokens] = await Promise.all(
      [JSON.stringify(request.messages), shown].map(countTokens),
    );
    const usage = { promptTokens: promptTokens ?? 0, completionTokens: completionTokens ?? 0 };
    return priced(usage, this.highestRates()).costUsd;
  }

  private ratesOf(model: string): Rates {
    return this.options.prices.at(model, systemClock.now());
  }

  private highestRates(): Rates {
    const all = this.options.models.map((model) => this.ratesOf(model));
    const highest = (of: (rates: Rates) => number): number => Math.max(...all.map(of));
    return {
      inputUsdPerMillion: highest((rates) => rates.inputUsdPerMillion),
      outputUsdPerMillion: highest((rates) => rates.outputUsdPerMillion),
    };
  }
}
