import type { Logprobs, ToolCall } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { bulkhead, circuitBreaker, retry } from '@millrace/resilience';
import type { Rates } from '../ledger/price.js';
import { inChatSpan, type ChatCall, type ChatObserver } from '../completion/chat-span.js';
import { AttemptProgress } from '../spending/attempt-progress.js';
import { mostCost } from '../spending/most-cost.js';
import type { Payments } from '../spending/payments.js';
import type { ChatAnswer, ChatListener, ChatModel, ChatRequest, TokenUsage } from './chat-model.js';
import { streamAnswer, type ProviderCall, type RawAnswer, type Timeouts } from './stream-answer.js';
import type { StreamingModel } from './streaming-model.js';
import { countTokens } from './token-count.js';

export interface ProviderModelOptions {
  /** As callers name it. */
  readonly name: string;
  /** Whose it is, as spans name it. */
  readonly provider: string;
  readonly model: StreamingModel;
  readonly timeouts: Timeouts;
  /** Calls at once from this process, and calls that may wait. */
  readonly concurrency: number;
  readonly queue: number;
  /** Tokens of an answer for which the request names no limit. */
  readonly maxTokens: number;
  /** Calls in all while nothing of an answer was shown; 3 where absent. */
  readonly attempts?: number;
  /** Pays for each attempt from the budgets of whoever makes it. Absent: nobody does. */
  readonly payments?: Pick<Payments, 'pay'>;
}

/**
 * One model of one provider. Failures that may pass are repeated here only while nothing of an answer has been shown; later ones
 * fail the call, and whoever called decides.
 */
export class ProviderModel implements ChatModel {
  readonly name: string;
  private readonly slots;
  private readonly circuit;

  constructor(private readonly options: ProviderModelOptions) {
    this.name = options.name;
    const name = 'The model provider';
    const metric = 'model-provider';
    const { concurrency, queue } = options;
    this.slots = bulkhead({ name, slots: concurrency, queue, code: 'provider_overloaded', metric });
    this.circuit = circuitBreaker({
      name,
      failureShare: 0.5,
      window: 10,
      openForMs: 15_000,
      code: 'provider_unavailable',
      metric,
      counts: (error) => error instanceof MillraceError && saysItIsUnwell.has(error.code),
    });
  }

  /** Whether its circuit would make a call now. */
  get letsThrough(): boolean {
    return this.circuit.letsThrough;
  }

  chat(request: ChatRequest, listener: ChatListener): Promise<ChatAnswer> {
    return this.slots.execute(() => this.call(request, listener), listener.signal);
  }

  /** One answer, with repeats while nothing of it was shown. */
  private async call(request: ChatRequest, listener: ChatListener): Promise<ChatAnswer> {
    const call = { ...request, maxTokens: request.maxTokens ?? this.options.maxTokens };
    let shown = false;
    const onShown = (): void => void (shown = true);
    const attempt = async (): Promise<{ answer: ChatAnswer } | { error: unknown }> => {
      try {
        return { answer: await this.pay(call, listener, (progress) => this.ask(call, listener, onShown, progress)) };
      } catch (error) {
        if (!shown) throw error;
        return { error };
      }
    };
    const outcome = await retry({ ...retryOptions, maxAttempts: this.options.attempts ?? 3 }, attempt, listener.signal);
    if ('error' in outcome) throw outcome.error;
    return outcome.answer;
  }

  private pay(
    call: ProviderCall,
    { account }: ChatListener,
    ask: (progress: AttemptProgress) => Promise<ChatAnswer>,
  ): Promise<ChatAnswer> {
    const { payments } = this.options;
    if (payments === undefined || account === undefined) return ask(new AttemptProgress());
    const most = (rates: Rates): number => mostCost(call, call.maxTokens, rates);
    return payments.pay(account, { model: this.name, most, prompt: () => JSON.stringify(call.messages) }, ask);
  }

  private async ask(
    call: ProviderCall,
    listener: ChatListener,
    onShown: () => void,
    progress: AttemptProgress,
  ): Promise<ChatAnswer> {
    const stream = (observer: ChatObserver) => {
      const watched = {
        signal: listener.signal,
        onText: (text: string, logprobs?: Logprobs) => {
          onShown();
          observer.heard();
          listener.onText(text, logprobs);
        },
        onToolCall: (toolCall: ToolCall) => {
          onShown();
          listener.onToolCall?.(toolCall);
        },
      };
      return streamAnswer(this.options.model, call, this.options.timeouts, watched, progress);
    };
    const made = (): Promise<RawAnswer> => inChatSpan(this.describe(call), stream);
    const { usage, ...raw } = await this.circuit.execute(made, listener.signal);
    return { ...raw, usage: usage ?? (await countedUsage(call, raw)), model: this.name };
  }

  private describe({ json, maxTokens, temperature }: ChatRequest): ChatCall {
    const { provider, model } = this.options;
    const answers = json === undefined ? 'text' : 'json';
    return { provider, model: model.modelId, kind: 'client', answers, maxTokens, temperature };
  }
}

const retryOptions = {
  metric: 'model-provider',
  initialDelayMs: 250,
  maxDelayMs: 4_000,
  maxRetryAfterMs: 10_000,
};

/** Failures that count against the circuit; a rate limit or a bad answer comes from a server that is well. */
const saysItIsUnwell: ReadonlySet<string> = new Set([
  'provider_unavailable',
  'provider_timeout',
  'provider_stream_cut',
]);

/** What a tokenizer counts, where the provider reports nothing that can be true. */
async function countedUsage(request: ChatRequest, raw: Pick<ChatAnswer, 'text' | 'toolCalls'>): Promise<TokenUsage> {
  const prompt = await Promise.all(request.messages.map(({ content }) => countTokens(wordsOf(content))));
  const answer = [raw.text, ...raw.toolCalls.map((call) => call.name + call.arguments)];
  const answered = await Promise.all(answer.map(countTokens));
  return { promptTokens: sum(prompt), completionTokens: sum(answered) };
}

const wordsOf = (content: ChatRequest['messages'][number]['content']): string =>
  typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
