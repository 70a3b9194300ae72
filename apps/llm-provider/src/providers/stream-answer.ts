/** One call to the provider, read to its end or to the first limit that it meets. */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { Logprobs, ToolCall } from '@millrace/contracts';
import { deadline } from '@millrace/resilience';
import type { ChatAnswer, ChatListener, ChatRequest, TokenUsage } from './chat-model.js';
import { AttemptProgress, leavesUncertain } from '../spending/attempt-progress.js';
import { promptOf, toolChoiceOf, toolsOf } from './language-prompt.js';
import { askingForLogprobs, logprobsIn } from './logprobs.js';
import { ofStreamedError, providerError, refusedContent, toProviderError } from './provider-error.js';
import { storableText } from './storable-text.js';
import type { AnswerPart, StreamingModel } from './streaming-model.js';

export interface Timeouts {
  /** Milliseconds until the first piece of the answer. */
  readonly firstTokenMs: number;
  /** Milliseconds between two pieces. */
  readonly idleMs: number;
  /** Milliseconds for the whole call. */
  readonly totalMs: number;
}

export type ProviderCall = ChatRequest & { readonly maxTokens: number };

export interface RawAnswer extends Omit<ChatAnswer, 'usage' | 'model'> {
  /** What the provider reported; null where it did not, or where it cannot be true. */
  readonly usage: TokenUsage | null;
}

type AnswerListener = Required<Omit<ChatListener, 'account'>>;

/** A token of any vocabulary is shorter than this on average; beyond it the provider ignores the limit it was given. */
const mostCharactersPerToken = 16;
/** Characters that are let pass however few tokens were asked for. */
const leastLimit = 2_000;
const mostTokensBelieved = 10_000_000;

/**
 * Streams one answer.
 * @throws MillraceError with a `provider_…` code, or the signal's reason when the caller gave up.
 */
export function streamAnswer(
  model: StreamingModel,
  call: ProviderCall,
  timeouts: Timeouts,
  listener: AnswerListener,
  progress = new AttemptProgress(),
): Promise<RawAnswer> {
  const tooSlow = () =>
    leavesUncertain(providerError('provider_timeout', `The model provider took longer than ${timeouts.totalMs} ms.`));
  return deadline(
    timeouts.totalMs,
    tooSlow,
    (signal) => new AnswerReader(model, call, timeouts, { ...listener, signal }, progress).read(),
    listener.signal,
  );
}

class AnswerReader {
  private text = '';
  private readonly toolCalls: ToolCall[] = [];
  private readonly logprobs: Logprobs = [];
  /** How many of them were shown: the frame that holds them comes before its text. */
  private logprobsShown = 0;
  private length = 0;
  private begun = false;
  private finish: Extract<AnswerPart, { type: 'finish' }> | null = null;
  /** Aborts the call with the reason why. */
  private readonly silence = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly model: StreamingModel,
    private readonly call: ProviderCall,
    private readonly timeouts: Timeouts,
    private readonly listener: AnswerListener,
    private readonly progress: AttemptProgress,
  ) {}

  async read(): Promise<RawAnswer> {
    const signal = AbortSignal.any([this.listener.signal, this.silence.signal]);
    this.awaitNext(this.timeouts.firstTokenMs, 'before its first token');
    try {
      await this.readStream(signal);
    } catch (error) {
      if (this.listener.signal.aborted) throw this.listener.signal.reason;
      throw toProviderError(this.silence.signal.aborted ? this.silence.signal.reason : error, this.begun);
    } finally {
      clearTimeout(this.timer);
    }
    return this.result();
  }

  private async readStream(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.progress.wasSent = true;
    const options = {
      ...optionsOf(this.call),
      ...(this.call.logprobs !== undefined && askingForLogprobs(this.model, this.call.logprobs)),
      abortSignal: signal,
    };
    await this.model.stream(options, (part) => this.take(part));
  }

  private take(part: AnswerPart): void {
    if (part.type === 'error') throw part.error instanceof Error ? part.error : ofStreamedError(part.error);
    if (part.type === 'raw') this.logprobs.push(...logprobsIn(part.rawValue));
    if (part.type === 'finish') this.takeFinish(part);
    if (deltas.has(part.type)) this.heard();
    if ('delta' in part) this.progress.begin(part.delta);
    if (part.type === 'text-delta') this.takeText(part.delta);
    if (part.type === 'tool-input-delta') this.takeLength(part.delta.length);
    if (part.type === 'tool-call')
      this.takeToolCall({ id: part.toolCallId, name: part.toolName, arguments: part.input });
  }

  private takeFinish(part: NonNullable<typeof this.finish>): void {
    this.finish = part;
    this.progress.usage = this.believableUsage();
  }

  private takeToolCall(call: ToolCall): void {
    const json = call.arguments === '' ? '{}' : call.arguments;
    if (!isJson(json)) {
      throw providerError('provider_invalid_response', "The arguments of the model's tool call are no whole JSON.");
    }
    this.toolCalls.push({ ...call, arguments: json });
    this.listener.onToolCall({ ...call, arguments: json });
  }

  private takeText(delta: string): void {
    this.takeLength(delta.length);
    this.text += delta;
    if (this.logprobs.length === this.logprobsShown) return this.listener.onText(delta);
    this.listener.onText(delta, this.logprobs.slice(this.logprobsShown));
    this.logprobsShown = this.logprobs.length;
  }

  private takeLength(length: number): void {
    this.length += length;
    const limit = Math.max(leastLimit, this.call.maxTokens * mostCharactersPerToken);
    if (this.length > limit) {
      throw providerError(
        'provider_answer_too_long',
        `The model provider went on beyond ${this.call.maxTokens} tokens.`,
      );
    }
  }

  private heard(): void {
    this.begun = true;
    this.progress.begin();
    this.awaitNext(this.timeouts.idleMs, 'in the middle of its answer');
  }

  private awaitNext(limitMs: number, where: string): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.silence.abort(
        leavesUncertain(providerError('provider_timeout', `The model provider was silent for ${limitMs} ms ${where}.`)),
      );
    }, limitMs);
  }

  private result(): RawAnswer {
    const reason = this.finish?.finishReason.unified;
    if (reason === 'content-filter') throw refusedContent();
    // Several libraries close a stream that was cut as if it had ended: what the provider never gave is its reason to end.
    if (this.finish?.finishReason.raw === undefined || reason === 'error')
      throw providerError('provider_stream_cut', 'The answer of the model provider broke off.');
    const { toolCalls } = this;
    return {
      text: storableText(this.text),
      toolCalls,
      finishReason: toolCalls.length > 0 && reason === 'stop' ? 'tool-calls' : finishReasonOf(reason),
      usage: this.believableUsage(),
      ...(this.call.logprobs !== undefined && { logprobs: this.logprobs.length > 0 ? this.logprobs : null }),
    };
  }

  /** Providers report nothing, zeros, fractions, or nonsense; what cannot be true is counted instead. */
  private believableUsage(): TokenUsage | null {
    const promptTokens = this.finish?.usage.inputTokens.total;
    const completionTokens = this.finish?.usage.outputTokens.total;
    const isCount = (value: number | undefined): value is number =>
      value !== undefined && Number.isSafeInteger(value) && value > 0 && value < mostTokensBelieved;
    if (!isCount(promptTokens) || !(isCount(completionTokens) || (completionTokens === 0 && this.text === '')))
      return null;
    const cached = this.finish?.usage.inputTokens.cacheRead;
    const cachedPromptTokens = isCount(cached) && cached <= promptTokens ? cached : undefined;
    return { promptTokens, completionTokens, ...(cachedPromptTokens !== undefined && { cachedPromptTokens }) };
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const deltas: ReadonlySet<AnswerPart['type']> = new Set([
  'text-delta',
  'reasoning-delta',
  'tool-input-start',
  'tool-input-delta',
]);

const finishReasonOf = (reason: string | undefined): ChatAnswer['finishReason'] =>
  reason === 'stop' || reason === 'length' || reason === 'tool-calls' ? reason : 'other';

function optionsOf(call: ProviderCall): LanguageModelV4CallOptions {
  const { messages, tools, toolChoice, json, maxTokens, stop } = call;
  return {
    prompt: promptOf(messages),
    maxOutputTokens: maxTokens,
    ...(tools !== undefined && tools.length > 0 && { tools: toolsOf(tools) }),
    ...(toolChoice !== undefined && { toolChoice: toolChoiceOf(toolChoice) }),
    ...(json !== undefined && { responseFormat: { type: 'json', ...json } }),
    ...(stop !== undefined && { stopSequences: [...stop] }),
    ...(call.temperature !== undefined && { temperature: call.temperature }),
    ...(call.topP !== undefined && { topP: call.topP }),
    ...(call.presencePenalty !== undefined && { presencePenalty: call.presencePenalty }),
    ...(call.frequencyPenalty !== undefined && { frequencyPenalty: call.frequencyPenalty }),
    ...(call.seed !== undefined && { seed: call.seed }),
  };
}
