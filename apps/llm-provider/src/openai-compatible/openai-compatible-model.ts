import { MillraceError } from '@millrace/kernel';
import { bulkhead, circuitBreaker, retry } from '@millrace/resilience';
import { inChatSpan, type ChatCall, type ChatObserver } from '../completion/chat-span.js';
import type {
  AnswerFormat,
  Completion,
  CompletionContext,
  CompletionModel,
  CompletionRequest,
  Message,
  TokenUsage,
} from '../completion/completion-model.js';
import { groundJson, groundText } from '../grounding/ground-answer.js';
import { chatModelAt, type Endpoint } from './chat-model.js';
import { readJsonAnswer } from './json-answer.js';
import { ProseOfJson } from './prose-of-json.js';
import { providerError } from './provider-error.js';
import { streamAnswer, type ProviderCall, type RawAnswer, type Timeouts } from './stream-answer.js';
import { countTokens } from './token-count.js';

export interface OpenAiCompatibleOptions extends Endpoint {
  readonly timeouts: Timeouts;
  /** Calls at once from this process, and calls that may wait. */
  readonly concurrency: number;
  readonly queue: number;
  /** Tokens of an answer for which the task names no limit. */
  readonly maxTokens: number;
}

/** How a server can be asked for JSON, from the strictest on; what it does not take is not tried again. */
const jsonModes = ['schema', 'object', 'words'] as const;
type JsonMode = (typeof jsonModes)[number];

/** A bad answer beyond this is not sent back for repair. */
const longestRepair = 40_000;

/**
 * Any server that speaks the chat completions protocol.
 *
 * Failures that may pass are repeated here only while nothing of an answer has been shown; later ones fail the attempt, and
 * the run's own retry policy decides. JSON that does not fit is sent back once for repair.
 *
 * @throws MillraceError with the codes of `ProviderErrorCode`, or the signal's reason.
 */
export class OpenAiCompatibleModel implements CompletionModel {
  readonly name: string;
  private readonly chatModel;
  private readonly slots;
  private readonly circuit;
  private jsonMode: JsonMode = 'schema';

  constructor(private readonly options: OpenAiCompatibleOptions) {
    this.name = `openai-compatible:${options.model}`;
    this.chatModel = chatModelAt(options);
    const name = 'The model provider';
    const metric = 'model-provider';
    this.slots = bulkhead({
      name,
      slots: options.concurrency,
      queue: options.queue,
      code: 'provider_overloaded',
      metric,
    });
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

  complete(request: CompletionRequest, context: CompletionContext): Promise<Completion> {
    const { answer } = request;
    return this.slots.execute(
      () =>
        answer.kind === 'text' ? this.completeText(request, context) : this.completeJson(request, answer, context),
      context.signal,
    );
  }

  private async completeText(request: CompletionRequest, context: CompletionContext): Promise<Completion> {
    const call = this.callFor(request);
    const raw = await this.call(call, context.emit, context.signal);
    const grounded = groundText(raw.text, request.evidence);
    return { ...grounded, finishReason: raw.finishReason, usage: await usageOf(call, raw) };
  }

  private async completeJson(
    request: CompletionRequest,
    format: Extract<AnswerFormat, { kind: 'json' }>,
    context: CompletionContext,
  ): Promise<Completion> {
    const instructed = { ...request, messages: withSchema(request.messages, format) };
    const first = await this.askForJson(instructed, format, context);
    const read = readJsonAnswer(first.raw.text, format.schema);
    if (read.ok) return this.grounded(request, format, read.json, first.raw, first.usage);
    if (first.raw.finishReason === 'length') {
      throw providerError(
        'provider_answer_too_long',
        'The answer was cut at the token limit. Give the task a higher maxTokens.',
      );
    }
    const repaired = await this.askForJson(withRepair(instructed, first.raw.text, read.problem), format, {
      ...context,
      emit: () => undefined,
    });
    const reread = readJsonAnswer(repaired.raw.text, format.schema);
    if (!reread.ok)
      throw providerError('provider_invalid_response', `The model answered without usable JSON. ${reread.problem}`);
    return this.grounded(request, format, reread.json, repaired.raw, added(first.usage, repaired.usage));
  }

  private grounded(
    request: CompletionRequest,
    format: Extract<AnswerFormat, { kind: 'json' }>,
    json: Parameters<typeof groundJson>[0],
    raw: RawAnswer,
    usage: TokenUsage,
  ): Completion {
    return { ...groundJson(json, format.cites, request.evidence), finishReason: raw.finishReason, usage };
  }

  /** Asks in the strictest way that the server takes, and remembers which that is. */
  private async askForJson(
    request: CompletionRequest,
    format: Extract<AnswerFormat, { kind: 'json' }>,
    context: CompletionContext,
  ): Promise<{ raw: RawAnswer; usage: TokenUsage }> {
    for (const mode of jsonModes.slice(jsonModes.indexOf(this.jsonMode))) {
      const call = { ...this.callFor(request), ...responseFormatFor(mode, format) };
      const prose = format.cites === null ? null : new ProseOfJson(format.cites, context.emit);
      try {
        const raw = await this.call(call, (text) => prose?.push(text), context.signal);
        await prose?.end();
        this.jsonMode = mode;
        return { raw, usage: await usageOf(call, raw) };
      } catch (error) {
        const mayBeTheMode = error instanceof MillraceError && error.code === 'provider_rejected_request';
        if (!mayBeTheMode || mode === 'words') throw error;
      }
    }
    throw providerError('provider_rejected_request', 'The model provider takes no request for JSON.');
  }

  private callFor(request: CompletionRequest): ProviderCall {
    return {
      messages: request.messages,
      maxTokens: request.maxTokens ?? this.options.maxTokens,
      ...(request.temperature !== undefined && { temperature: request.temperature }),
    };
  }

  private describe({ responseFormat, maxTokens, temperature }: ProviderCall): ChatCall {
    const answers = responseFormat === undefined ? 'text' : 'json';
    return { provider: 'openai', model: this.options.model, kind: 'client', answers, maxTokens, temperature };
  }

  /** One answer, with repeats while nothing of it was shown. */
  private async call(call: ProviderCall, onText: (text: string) => void, signal: AbortSignal): Promise<RawAnswer> {
    let shown = false;
    const ask = (observer: ChatObserver) =>
      streamAnswer(this.chatModel, call, this.options.timeouts, {
        signal,
        onText: (text) => {
          shown = true;
          observer.heard();
          onText(text);
        },
      });
    const attempt = async (): Promise<{ raw: RawAnswer } | { error: unknown }> => {
      try {
        return { raw: await this.circuit.execute(() => inChatSpan(this.describe(call), ask), signal) };
      } catch (error) {
        if (!shown) throw error;
        return { error };
      }
    };
    const outcome = await retry(retryOptions, attempt, signal);
    if ('error' in outcome) throw outcome.error;
    return outcome.raw;
  }
}

const retryOptions = {
  metric: 'model-provider',
  maxAttempts: 3,
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

function responseFormatFor(
  mode: JsonMode,
  format: Extract<AnswerFormat, { kind: 'json' }>,
): Pick<ProviderCall, 'responseFormat'> {
  switch (mode) {
    case 'schema':
      return { responseFormat: { type: 'json', name: 'answer', schema: format.schema } };
    case 'object':
      return { responseFormat: { type: 'json' } };
    case 'words':
      return {};
  }
}

/** Says the schema in words, too: not every server enforces it, and a model that knows it writes better. */
function withSchema(messages: readonly Message[], format: Extract<AnswerFormat, { kind: 'json' }>): Message[] {
  const instruction = `Answer with one JSON object and nothing else. It fits this JSON Schema:\n${JSON.stringify(format.schema)}`;
  const [first, ...rest] = messages;
  if (first?.role === 'system') return [{ role: 'system', content: `${first.content}\n\n${instruction}` }, ...rest];
  return [{ role: 'system', content: instruction }, ...messages];
}

function withRepair(request: CompletionRequest, answer: string, problem: string): CompletionRequest {
  const messages: Message[] = [
    ...request.messages,
    { role: 'assistant', content: answer.slice(0, longestRepair) },
    {
      role: 'user',
      content: `That cannot be used. ${problem} Send the whole answer again as one JSON object, and nothing else.`,
    },
  ];
  return { ...request, messages };
}

/** What the provider reported, else what a tokenizer counts. */
async function usageOf(call: ProviderCall, raw: RawAnswer): Promise<TokenUsage> {
  if (raw.usage) return raw.usage;
  const prompt = await Promise.all(call.messages.map(({ content }) => countTokens(content)));
  return {
    promptTokens: prompt.reduce((sum, count) => sum + count, 0),
    completionTokens: await countTokens(raw.text),
  };
}

const added = (left: TokenUsage, right: TokenUsage): TokenUsage => ({
  promptTokens: left.promptTokens + right.promptTokens,
  completionTokens: left.completionTokens + right.completionTokens,
});
