import type { CallUsage, RequestOf, rerankTexts, ResponseOf } from '@millrace/contracts';
import { newId, toMillraceError } from '@millrace/kernel';
import { deadline, retry } from '@millrace/resilience';
import { CONFIG, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import { CompletionLedger } from '../ledger/completion-ledger.js';
import type { Rates } from '../ledger/price.js';
import { ModelCatalogue } from '../models/model-catalogue.js';
import { providerError, toProviderError } from '../providers/provider-error.js';
import type { RerankingModel } from '../providers/reranking.js';
import { countTokens } from '../providers/token-count.js';
import { leavesUncertain } from '../spending/attempt-progress.js';
import { CallAccount } from '../spending/call-account.js';
import { mostCost } from '../spending/most-cost.js';
import { usdOf } from '../spending/money.js';
import { Payments } from '../spending/payments.js';

type Call = RequestOf<typeof rerankTexts>;

const retryOptions = {
  maxAttempts: 3,
  initialDelayMs: 250,
  maxDelayMs: 4_000,
  maxRetryAfterMs: 10_000,
  metric: 'model-provider',
};

/** Orders texts by what they say on a query, and writes down what that cost. */
@Injectable()
export class RerankTextsHandler implements CommandHandler<typeof rerankTexts> {
  constructor(
    @Inject(ModelCatalogue) private readonly models: ModelCatalogue,
    @Inject(Payments) private readonly payments: Payments,
    @Inject(CompletionLedger) private readonly ledger: CompletionLedger,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
  ) {}

  async handle(call: Call, { tenantId }: CommandMessage): Promise<ResponseOf<typeof rerankTexts>> {
    const { name, model } = await this.models.rerankingModel(tenantId, call.model);
    const account = new CallAccount({ tenantId, keyId: call.keyId, callId: newId('call') });
    const nobody = new AbortController().signal;
    const { items, usage: used } = await retry(
      retryOptions,
      () => this.attempt(name, model, call, account),
      nobody,
    ).catch(async (error: unknown) => {
      await this.ledger.writeOff(account, toMillraceError(error).code);
      throw error;
    });
    const usage: CallUsage = { ...used, cachedPromptTokens: 0, costUsd: usdOf(account.costNano) };
    await this.ledger.recordCall(account, name, { ranked: items.length }, usage);
    return { items: items.slice(0, call.top), model: name, usage };
  }

  /** One call, paid for by itself. The model reads the query with each text. */
  private attempt(name: string, model: RerankingModel, { query, texts }: Call, account: CallAccount) {
    const read = texts.map((text) => `${query}\n${text}`);
    const messages = read.map((content) => ({ role: 'user' as const, content }));
    const attempt = {
      model: name,
      most: (rates: Rates): number => mostCost({ messages }, 0, rates),
      prompt: () => read.join('\n'),
    };
    return this.payments.pay(account, attempt, async (progress) => {
      progress.wasSent = true;
      const { items, tokens } = await this.ask(model, { query, texts });
      const isTold = tokens !== null && Number.isSafeInteger(tokens) && tokens > 0;
      const promptTokens = isTold ? tokens : await countTokens(read.join('\n'));
      progress.usage = { promptTokens, completionTokens: 0 };
      return { items: [...items], usage: progress.usage };
    });
  }

  private ask(model: RerankingModel, request: Pick<Call, 'query' | 'texts'>) {
    const { totalMs } = this.config.limits.timeouts;
    const tooSlow = () =>
      leavesUncertain(providerError('provider_timeout', `The model provider took longer than ${totalMs} ms.`));
    const ask = (signal: AbortSignal) =>
      model.rerank(request, signal).catch((error: unknown) => {
        throw toProviderError(error, false);
      });
    return deadline(totalMs, tooSlow, ask, new AbortController().signal);
  }
}
