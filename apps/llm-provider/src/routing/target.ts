import { MillraceError } from '@millrace/kernel';
import type { Rates } from '../ledger/price.js';
import type { ChatAnswer, ChatListener, ChatRequest } from '../providers/chat-model.js';
import type { ProviderModel } from '../providers/provider-model.js';
import type { TargetState } from './order-targets.js';
import type { RouteTarget } from './route.js';
import type { TargetLimits } from './target-limits.js';

/** How much the newest call counts in the moving average. */
const newest = 0.3;
const charactersPerToken = 4;

/** One model of a route: what it is doing, how fast it is, and whether it wants to be left alone. */
export class Target {
  readonly concurrency: number;
  private inFlight = 0;
  private firstTokenMs: number | null = null;
  /** By `performance.now()`. */
  private leftAloneUntil = 0;

  /** @param rates what it costs now */
  constructor(
    private readonly options: RouteTarget,
    private readonly model: ProviderModel,
    private readonly limits: TargetLimits,
    private readonly rates: () => Rates,
  ) {
    this.concurrency = options.limits.concurrency;
  }

  state(): TargetState {
    const isFree = this.inFlight < this.concurrency && performance.now() >= this.leftAloneUntil;
    const { inputUsdPerMillion, outputUsdPerMillion } = this.rates();
    return {
      isAvailable: isFree && this.model.letsThrough,
      weight: this.options.weight,
      load: this.inFlight / this.concurrency,
      price: inputUsdPerMillion + outputUsdPerMillion,
      firstTokenMs: this.firstTokenMs,
    };
  }

  /** Whether its limits leave room for the call, which is counted then. */
  async admits(request: ChatRequest): Promise<boolean> {
    if (!this.hasLimits()) return true;
    return await this.limits.take(this.options, estimatedTokens(request));
  }

  async chat(request: ChatRequest, listener: ChatListener): Promise<ChatAnswer> {
    this.inFlight += 1;
    const beganAt = performance.now();
    let isFirst = true;
    const hear = (): void => {
      if (isFirst) this.learn(performance.now() - beganAt);
      isFirst = false;
    };
    try {
      const answer = await this.model.chat(request, {
        ...listener,
        onText: (text) => {
          hear();
          listener.onText(text);
        },
      });
      await this.settle(request, answer);
      return answer;
    } catch (error) {
      if (error instanceof MillraceError && error.retryAfterSeconds !== undefined)
        this.leftAloneUntil = performance.now() + error.retryAfterSeconds * 1_000;
      throw error;
    } finally {
      this.inFlight -= 1;
    }
  }

  private learn(ms: number): void {
    this.firstTokenMs = this.firstTokenMs === null ? ms : this.firstTokenMs * (1 - newest) + ms * newest;
  }

  /** What was estimated becomes what it was. */
  private async settle(request: ChatRequest, { usage }: ChatAnswer): Promise<void> {
    if (this.options.limits.tokensPerMinute === undefined) return;
    const used = usage.promptTokens + usage.completionTokens;
    await this.limits.add(this.options, used - estimatedTokens(request));
  }

  private hasLimits(): boolean {
    const { requestsPerMinute, tokensPerMinute } = this.options.limits;
    return requestsPerMinute !== undefined || tokensPerMinute !== undefined;
  }
}

const estimatedTokens = (request: ChatRequest): number =>
  Math.ceil(JSON.stringify(request.messages).length / charactersPerToken);
