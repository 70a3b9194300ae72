/** The local model as a language model behind the port of all providers. */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { newId } from '@millrace/kernel';
import { providerError } from '../providers/provider-error.js';
import type { AnswerPart, StreamingModel } from '../providers/streaming-model.js';
import { historyOf } from './chat-history.js';
import type { GeneratedResponse, GenerateOptions, HistoryItem, LlamaSequence } from './llama-library.js';
import type { LocalModel } from './local-model.js';
import { prefill } from './prefill.js';
import { type Constraint, constraintOf, readForcedCall } from './tool-calls.js';

type Emit = (part: AnswerPart) => void;

/** Tokens that the library keeps free at the end of a context, where it would begin to drop what was said first. */
const margin = 4;
/** Where a request says nothing: what llama.cpp takes. */
const sampling = { temperature: 0.8, minP: 0.05 };
const textId = 'text';
const reasoningId = 'reasoning';

export const ggufLanguageModel = (local: LocalModel, modelId: string): StreamingModel => ({
  provider: 'gguf',
  modelId,
  async stream(options, onPart) {
    // Refused before anything begins: images, and schemas that no grammar can say.
    const history = historyOf(options.prompt);
    const constraint = constraintOf(options);
    const ended = new AbortController();
    // What a listener throws must not go through the library, which would be left in the middle of a token.
    const emit: Emit = (part) => {
      if (ended.signal.aborted) return;
      try {
        onPart(part);
      } catch (error) {
        ended.abort(error);
      }
    };
    const signal = AbortSignal.any([ended.signal, ...(options.abortSignal === undefined ? [] : [options.abortSignal])]);
    await local.withSequence(
      (sequence, whole) => write(local, sequence, { history, constraint, options, emit, signal: whole }),
      signal,
    );
    ended.signal.throwIfAborted();
  },
});

interface Writing {
  readonly history: HistoryItem[];
  readonly constraint: Constraint;
  readonly options: LanguageModelV4CallOptions;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

async function write(local: LocalModel, sequence: LlamaSequence, writing: Writing): Promise<void> {
  const { constraint, options, emit, signal } = writing;
  const history = withInstruction(writing.history, constraint.instruction);
  const chat = local.chat(sequence);
  try {
    const prompt = chat.chatWrapper
      .generateContextState({
        chatHistory: history,
        ...(constraint.functions && { availableFunctions: constraint.functions }),
      })
      .contextText.tokenize(local.model.tokenizer);
    const room = sequence.contextSize - prompt.length - margin;
    if (room < 1) throw tooLong(prompt.length, sequence.contextSize);
    const grammar = constraint.schema && (await local.llama.createGrammarForJsonSchema(constraint.schema));
    await prefill(sequence, prompt.slice(0, -1), signal);
    const before = sequence.tokenMeter.getState();
    const pieces = new Pieces(emit, constraint.forced);
    const response = await chat.generateResponse(history, {
      ...optionsOf(options),
      maxTokens: Math.min(options.maxOutputTokens ?? room, room),
      onResponseChunk: (chunk) => pieces.take(chunk.type === 'segment', chunk.text),
      signal,
      ...(grammar !== undefined && { grammar }),
      ...(constraint.functions && { functions: constraint.functions }),
    });
    pieces.end();
    emitCalls(response, constraint, emit);
    const completion = sequence.tokenMeter.diff(before).usedOutputTokens;
    emit(finishOf(response, constraint, prompt.length, completion));
  } finally {
    chat.dispose();
  }
}

/** Text and thoughts as the parts of a stream. A call that is forced is written as JSON, which is no text of the answer. */
class Pieces {
  private open: typeof textId | typeof reasoningId | null = null;

  constructor(
    private readonly emit: Emit,
    private readonly hidesText: boolean,
  ) {}

  take(isThought: boolean, delta: string): void {
    if (delta === '') return;
    const id = isThought || this.hidesText ? reasoningId : textId;
    if (this.open !== id) {
      this.end();
      this.emit(id === textId ? { type: 'text-start', id } : { type: 'reasoning-start', id });
      this.open = id;
    }
    this.emit(id === textId ? { type: 'text-delta', id, delta } : { type: 'reasoning-delta', id, delta });
  }

  end(): void {
    if (this.open === textId) this.emit({ type: 'text-end', id: textId });
    if (this.open === reasoningId) this.emit({ type: 'reasoning-end', id: reasoningId });
    this.open = null;
  }
}

function withInstruction(history: HistoryItem[], instruction: string | null): HistoryItem[] {
  if (instruction === null) return history;
  const [first, ...rest] = history;
  if (first?.type === 'system') return [{ type: 'system', text: `${first.text}\n\n${instruction}` }, ...rest];
  return [{ type: 'system', text: instruction }, ...history];
}

type Sampling = Pick<
  GenerateOptions,
  'temperature' | 'topP' | 'minP' | 'seed' | 'repeatPenalty' | 'customStopTriggers'
>;

function optionsOf(options: LanguageModelV4CallOptions): Sampling {
  const { temperature, topP, seed, frequencyPenalty = 0, presencePenalty = 0, stopSequences = [] } = options;
  const isPenalized = frequencyPenalty !== 0 || presencePenalty !== 0;
  return {
    temperature: temperature ?? sampling.temperature,
    minP: sampling.minP,
    ...(topP !== undefined && { topP }),
    ...(seed !== undefined && { seed: Math.abs(seed) }),
    repeatPenalty: isPenalized && { penalty: 1, frequencyPenalty, presencePenalty },
    ...(stopSequences.length > 0 && { customStopTriggers: stopSequences }),
  };
}

function emitCalls({ response, functionCalls = [] }: GeneratedResponse, { forced }: Constraint, emit: Emit): void {
  const calls = forced
    ? readForcedCall(response)
    : functionCalls.map((call) => [call.functionName, call.params] as const);
  for (const [toolName, params] of calls)
    emit({ type: 'tool-call', toolCallId: newId('call'), toolName, input: JSON.stringify(params ?? {}) });
}

function finishOf(
  { metadata, functionCalls = [] }: GeneratedResponse,
  { forced }: Constraint,
  prompt: number,
  completion: number,
): AnswerPart {
  const raw = metadata.stopReason;
  const calls = forced ? raw !== 'maxTokens' : functionCalls.length > 0;
  const unified = raw === 'maxTokens' ? 'length' : calls ? 'tool-calls' : 'stop';
  return {
    type: 'finish',
    finishReason: { unified, raw },
    usage: {
      inputTokens: { total: prompt, noCache: prompt, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: completion, text: undefined, reasoning: undefined },
    },
  };
}

const tooLong = (prompt: number, context: number) =>
  providerError(
    'provider_rejected_request',
    `The prompt has ${prompt} tokens, and the local model holds ${context} with its answer. Shorten it, or raise MILLRACE_GGUF_CONTEXT_TOKENS where the model was made for more.`,
  );
