import type { EmbeddingModelV4 } from '@ai-sdk/provider';
import type { CallUsage, embedTexts, RequestOf, ResponseOf } from '@millrace/contracts';
import { type MillraceError, newId, toMillraceError } from '@millrace/kernel';
import { deadline, retry } from '@millrace/resilience';
import { CONFIG, type CommandHandler, type CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import { CompletionLedger } from '../ledger/completion-ledger.js';
import type { Rates } from '../ledger/price.js';
import { ModelCatalogue } from '../models/model-catalogue.js';
import { providerError, toProviderError } from '../providers/provider-error.js';
import { countTokens } from '../providers/token-count.js';
import { leavesUncertain } from '../spending/attempt-progress.js';
import { CallAccount } from '../spending/call-account.js';
import { usdOf } from '../spending/money.js';
import { Payments } from '../spending/payments.js';
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
  constructor(
    @Inject(ModelCatalogue) private readonly models: ModelCatalogue,
    @Inject(Payments) private readonly payments: Payments,
    @Inject(CompletionLedger) private readonly ledger: CompletionLedger,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
  ) {}

  async handle(
    { model: named, texts, keyId, dimensions }: Call,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof embedTexts>> {
    const asked = { ...(await this.models.embeddingModel(tenantId, named)), dimensions };
    const { name } = asked;
    const account = new CallAccount({ tenantId, keyId, callId: newId('call') });
    const embeddings = await this.embedAll(asked, texts, account).catch(async (error: unknown) => {
      await this.ledger.writeOff(account, toMillraceError(error).code);
      throw error;
    });
    const promptTokens = account.charges.reduce((sum, { usage }) => sum + usage.promptTokens, 0);
    const usage: CallUsage = {
      promptTokens,
      completionTokens: 0,
      cachedPromptTokens: 0,
      costUsd: usdOf(account.costNano),
    };
    await this.ledger.recordCall(account, name, { embeddings: embeddings.length }, usage);
    return { embeddings, model: name, usage };
  }

  private async embedAll(model: EmbeddingModel, texts: readonly string[], account: CallAccount): Promise<number[][]> {
    const perCall = (await model.model.maxEmbeddingsPerCall) ?? texts.length;
    const embeddings: number[][] = [];
    for (let at = 0; at < texts.length; at += perCall) {
      const batch = texts.slice(at, at + perCall);
      const nobody = new AbortController().signal;
      const result = await retry(retryOptions, () => this.embed(model, batch, account), nobody);
      embeddings.push(...result.embeddings);
    }
    return embeddings;
  }

  /** One call, paid for by itself. */
  private embed({ name, model, dimensions }: EmbeddingModel, values: string[], account: CallAccount) {
    const messages = values.map((content) => ({ role: 'user' as const, content }));
    const attempt = {
      model: name,
      most: (rates: Rates): number => mostCost({ messages }, 0, rates),
      prompt: () => values.join('\n'),
    };
    return this.payments.pay(account, attempt, async (progress) => {
      progress.wasSent = true;
      const { embeddings, usage } = await this.call(model, values, dimensions);
      const promptTokens = isCount(usage?.tokens) ? usage.tokens : await countAll(values);
      progress.usage = { promptTokens, completionTokens: 0 };
      if (embeddings.length !== values.length) throw wrongNumber();
      if (embeddings.some(({ length }) => dimensions !== undefined && length !== dimensions)) throw wrongLength();
      return { embeddings, usage: progress.usage };
    });
  }

  private call(model: EmbeddingModelV4, values: string[], dimensions: number | undefined) {
    const { totalMs } = this.config.limits.timeouts;
    const tooSlow = () =>
      leavesUncertain(providerError('provider_timeout', `The model provider took longer than ${totalMs} ms.`));
    const ask = (abortSignal: AbortSignal) =>
      Promise.resolve(model.doEmbed({ values, abortSignal, ...(dimensions !== undefined && { dimensions }) })).catch(
        (error: unknown) => {
          throw toProviderError(error, false);
        },
      );
    return deadline(totalMs, tooSlow, ask, new AbortController().signal);
  }
}

interface EmbeddingModel {
  readonly name: string;
  readonly model: EmbeddingModelV4;
  /** How long each vector is to be. */
  readonly dimensions: number | undefined;
}

const isCount = (tokens: number | undefined): tokens is number => Number.isSafeInteger(tokens) && Number(tokens) > 0;

const countAll = async (texts: readonly string[]): Promise<number> =>
  (await Promise.all(texts.map(countTokens))).reduce((sum, count) => sum + count, 0);

const wrongNumber = (): MillraceError =>
  providerError('provider_invalid_response', 'The model provider sent another number of vectors than texts.');

/** A server that leaves the wish aside answers with vectors that fit to no others. */
const wrongLength = (): MillraceError =>
  providerError('provider_rejected_request', 'The model gives no vectors of that length.');
