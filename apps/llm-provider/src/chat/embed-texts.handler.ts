import type { EmbeddingModelV4 } from '@ai-sdk/provider';
import type { CallUsage, embedTexts, RequestOf, ResponseOf } from '@millrace/contracts';
import { newId, systemClock } from '@millrace/kernel';
import { deadline, retry } from '@millrace/resilience';
import { CONFIG, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import { CompletionLedger } from '../ledger/completion-ledger.js';
import { priced, PriceList } from '../ledger/price.js';
import { ModelCatalogue } from '../models/model-catalogue.js';
import { providerError, toProviderError } from '../providers/provider-error.js';
import { countTokens } from '../providers/token-count.js';
import { Budgets } from '../spending/budgets.js';
import { mostCost } from '../spending/most-cost.js';

type Call = RequestOf<typeof embedTexts>;

const retryOptions = {
  maxAttempts: 3,
  initialDelayMs: 250,
  maxDelayMs: 4_000,
  maxRetryAfterMs: 10_000,
  metric: 'model-provider',
};

/** Turns texts into vectors, in as many calls as the model needs for them, and writes down what that cost. */
@Injectable()
export class EmbedTextsHandler implements CommandHandler<typeof embedTexts> {
  private readonly prices: PriceList;

  constructor(
    @Inject(ModelCatalogue) private readonly models: ModelCatalogue,
    @Inject(Budgets) private readonly budgets: Budgets,
    @Inject(CompletionLedger) private readonly ledger: CompletionLedger,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
  ) {
    this.prices = new PriceList(config.prices);
  }

  async handle(call: Call, { tenantId }: CommandMessage): Promise<ResponseOf<typeof embedTexts>> {
    const { name, model } = await this.models.embeddingModel(tenantId, call.model);
    const rates = this.prices.at(name, systemClock.now());
    const most = mostCost({ messages: call.texts.map((content) => ({ role: 'user', content })) }, 0, rates);
    const { totalMs } = this.config.limits.timeouts;
    const payer = { tenantId, keyId: call.keyId };
    const hold = most === 0 ? null : await this.budgets.hold(payer, most, 10 * totalMs);
    let costUsd = 0;
    try {
      const { embeddings, promptTokens } = await this.embed(model, call.texts);
      const usage: CallUsage = { ...priced({ promptTokens, completionTokens: 0 }, rates), cachedPromptTokens: 0 };
      costUsd = usage.costUsd;
      const output = { embeddings: embeddings.length };
      await this.ledger.recordCall({ tenantId, callId: newId('call'), keyId: call.keyId, model: name, output, usage });
      return { embeddings, model: name, usage };
    } finally {
      if (hold !== null) await this.budgets.settle(hold, costUsd);
    }
  }

  private async embed(
    model: EmbeddingModelV4,
    texts: readonly string[],
  ): Promise<{ readonly embeddings: number[][]; readonly promptTokens: number }> {
    const perCall = (await model.maxEmbeddingsPerCall) ?? texts.length;
    const embeddings: number[][] = [];
    let reported = 0;
    for (let at = 0; at < texts.length; at += perCall) {
      const values = texts.slice(at, at + perCall);
      const result = await this.call(model, values);
      if (result.embeddings.length !== values.length)
        throw providerError(
          'provider_invalid_response',
          'The model provider sent another number of vectors than texts.',
        );
      embeddings.push(...result.embeddings);
      reported += result.usage?.tokens ?? 0;
    }
    const counted = async (): Promise<number> =>
      (await Promise.all(texts.map(countTokens))).reduce((sum, count) => sum + count, 0);
    return { embeddings, promptTokens: Number.isSafeInteger(reported) && reported > 0 ? reported : await counted() };
  }

  private call(model: EmbeddingModelV4, values: string[]) {
    const { totalMs } = this.config.limits.timeouts;
    const tooSlow = () => providerError('provider_timeout', `The model provider took longer than ${totalMs} ms.`);
    const ask = (abortSignal: AbortSignal) =>
      Promise.resolve(model.doEmbed({ values, abortSignal })).catch((error: unknown) => {
        throw toProviderError(error, false);
      });
    const nobody = new AbortController().signal;
    return retry(retryOptions, () => deadline(totalMs, tooSlow, ask, nobody), nobody);
  }
}
