import { MillraceError } from '@millrace/kernel';
import type { Rates } from '../ledger/price.js';
import type { ChatAnswer, ChatListener, ChatRequest } from '../providers/chat-model.js';
import type { ProviderModel } from '../providers/provider-model.js';
import type { TargetState } from './order-targets.js';
import type { RouteTarget } from './route.js';
import type { TargetLimits } from './target-limits.js';
import type { TargetProbe } from './target-probe.js';
import type { TargetSlots } from './target-slots.js';

/** How much the newest call counts in the moving average. */
const newest = 0.3;
const charactersPerToken = 4;

/** Leave to make one call: `release` it when the call is over, or not made. */
export interface Admission {
  release(): Promise<void>;
}

export interface TargetOptions {
  readonly target: RouteTarget;
  /** What its limits are counted under, over all processes. */
  readonly key: string;
  readonly limits: TargetLimits;
  readonly slots: TargetSlots;
  readonly probe?: TargetProbe;
  /** What it costs now. */
  readonly rates: () => Rates;
  /** No call takes longer, in milliseconds. */
  readonly longestCallMs: number;
  /** Told when a slot could not be given back; it is free when its time is over. */
  readonly onUnreleased: (error: unknown) => void;
}

/** One model of a route: what it is doing, how fast it is, and whether it wants to be left alone. */
export class Target {
  readonly concurrency: number;
  readonly name: string;
  private inFlight = 0;
  private firstTokenMs: number | null = null;
  /** By `performance.now()`. */
  private leftAloneUntil = 0;

  constructor(
    private readonly model: ProviderModel,
    private readonly options: TargetOptions,
  ) {
    this.concurrency = options.target.limits.concurrency;
    this.name = options.target.model;
  }

  state(): TargetState {
    const { inputUsdPerMillion, outputUsdPerMillion } = this.options.rates();
    return {
      isAvailable: this.condition() === 'available',
      weight: this.options.target.weight,
      load: this.inFlight / this.concurrency,
      price: inputUsdPerMillion + outputUsdPerMillion,
      firstTokenMs: this.firstTokenMs,
    };
  }

  /** Why it is asked or not. */
  condition(): TargetCondition {
    if (!this.model.letsThrough) return 'open';
    if (performance.now() < this.leftAloneUntil) return 'left-alone';
    if (this.options.probe?.seesItUp === false) return 'down';
    return this.inFlight < this.concurrency ? 'available' : 'busy';
  }

  /** Leave to make a call, which its limits count then; null where they have no room for it. */
  async admit(request: ChatRequest): Promise<Admission | null> {
    const { target, key, limits, slots, longestCallMs, onUnreleased } = this.options;
    const { sharedConcurrency, requestsPerMinute, tokensPerMinute } = target.limits;
    const giveBack = sharedConcurrency === undefined ? noSlot : await slots.take(key, sharedConcurrency, longestCallMs);
    if (giveBack === null) return null;
    const admission = { release: () => giveBack().catch(onUnreleased) };
    if (requestsPerMinute === undefined && tokensPerMinute === undefined) return admission;
    try {
      if (await limits.take(key, target.limits, estimatedTokens(request))) return admission;
    } catch (error) {
      await admission.release();
      throw error;
    }
    await admission.release();
    return null;
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
        onText: (text, logprobs) => {
          hear();
          listener.onText(text, logprobs);
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
    const { target, key, limits } = this.options;
    if (target.limits.tokensPerMinute === undefined) return;
    await limits.add(key, usage.promptTokens + usage.completionTokens - estimatedTokens(request));
  }
}

export const targetConditions = ['available', 'busy', 'open', 'left-alone', 'down'] as const;
export type TargetCondition = (typeof targetConditions)[number];

const noSlot = (): Promise<void> => Promise.resolve();

const estimatedTokens = (request: ChatRequest): number =>
  Math.ceil(JSON.stringify(request.messages).length / charactersPerToken);
