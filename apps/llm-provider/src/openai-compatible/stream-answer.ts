/** One call to the provider, read to its end or to the first limit that it meets. */
import { deadline } from '@millrace/resilience';
import type { Message, TokenUsage } from '../completion/completion-model.js';
import { ofStreamedError, providerError, refusedContent, toProviderError } from './provider-error.js';
import type { ChatModel } from './chat-model.js';
import { storableText } from './storable-text.js';

export interface Timeouts {
  /** Milliseconds until the first piece of the answer. */
  readonly firstTokenMs: number;
  /** Milliseconds between two pieces. */
  readonly idleMs: number;
  /** Milliseconds for the whole call. */
  readonly totalMs: number;
}

export interface ProviderCall {
  readonly messages: readonly Message[];
  readonly responseFormat?: Parameters<ChatModel['doStream']>[0]['responseFormat'];
  readonly maxTokens: number;
  readonly temperature?: number;
}

export interface RawAnswer {
  readonly text: string;
  readonly finishReason: 'stop' | 'length' | 'other';
  /** What the provider reported; null where it did not, or where it cannot be true. */
  readonly usage: TokenUsage | null;
}

export interface AnswerListener {
  /** Each piece of the answer's text. */
  readonly onText: (text: string) => void;
  readonly signal: AbortSignal;
}

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
  model: ChatModel,
  call: ProviderCall,
  timeouts: Timeouts,
  listener: AnswerListener,
): Promise<RawAnswer> {
  const tooSlow = () =>
    providerError('provider_timeout', `The model provider took longer than ${timeouts.totalMs} ms.`);
  return deadline(
    timeouts.totalMs,
    tooSlow,
    (signal) => new AnswerReader(model, call, timeouts, { ...listener, signal }).read(),
    listener.signal,
  );
}

type StreamPart =
  Awaited<ReturnType<ChatModel['doStream']>>['stream'] extends ReadableStream<infer Part> ? Part : never;

class AnswerReader {
  private text = '';
  private begun = false;
  private finish: Extract<StreamPart, { type: 'finish' }> | null = null;
  /** Aborts the call with the reason why. */
  private readonly silence = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly model: ChatModel,
    private readonly call: ProviderCall,
    private readonly timeouts: Timeouts,
    private readonly listener: AnswerListener,
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
    const { messages, responseFormat, maxTokens, temperature } = this.call;
    const { stream } = await this.model.doStream({
      prompt: messages.map(({ role, content }) =>
        role === 'system' ? { role, content } : { role, content: [{ type: 'text', text: content }] },
      ),
      maxOutputTokens: maxTokens,
      abortSignal: signal,
      ...(responseFormat && { responseFormat }),
      ...(temperature !== undefined && { temperature }),
    });
    // Leaving the loop by an error cancels the stream and with it the connection.
    for await (const part of stream) this.take(part);
  }

  private take(part: StreamPart): void {
    if (part.type === 'error') throw part.error instanceof Error ? part.error : ofStreamedError(part.error);
    if (part.type === 'tool-call' && !isJson(part.input)) {
      throw providerError('provider_invalid_response', "The arguments of the model's tool call are no whole JSON.");
    }
    if (part.type === 'finish') this.finish = part;
    if (part.type === 'text-delta' || part.type === 'reasoning-delta') this.heard();
    if (part.type === 'text-delta') this.takeText(part.delta);
  }

  private takeText(delta: string): void {
    this.text += delta;
    const limit = Math.max(leastLimit, this.call.maxTokens * mostCharactersPerToken);
    if (this.text.length > limit) {
      throw providerError(
        'provider_answer_too_long',
        `The model provider went on beyond ${this.call.maxTokens} tokens.`,
      );
    }
    this.listener.onText(delta);
  }

  private heard(): void {
    this.begun = true;
    this.awaitNext(this.timeouts.idleMs, 'in the middle of its answer');
  }

  private awaitNext(limitMs: number, where: string): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.silence.abort(
        providerError('provider_timeout', `The model provider was silent for ${limitMs} ms ${where}.`),
      );
    }, limitMs);
  }

  private result(): RawAnswer {
    const reason = this.finish?.finishReason.unified;
    if (reason === 'content-filter') throw refusedContent();
    if (this.finish === null || reason === 'error')
      throw providerError('provider_stream_cut', 'The answer of the model provider broke off.');
    const finishReason = reason === 'stop' || reason === 'length' ? reason : 'other';
    return { text: storableText(this.text), finishReason, usage: this.believableUsage() };
  }

  /** Providers report nothing, zeros, fractions, or nonsense; what cannot be true is counted instead. */
  private believableUsage(): TokenUsage | null {
    const promptTokens = this.finish?.usage.inputTokens.total;
    const completionTokens = this.finish?.usage.outputTokens.total;
    const isCount = (value: number | undefined): value is number =>
      value !== undefined && Number.isSafeInteger(value) && value > 0 && value < mostTokensBelieved;
    if (!isCount(promptTokens) || !(isCount(completionTokens) || (completionTokens === 0 && this.text === '')))
      return null;
    return { promptTokens, completionTokens };
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
