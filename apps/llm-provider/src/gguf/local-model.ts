/**
 * One model in the memory of this process.
 *
 * 1. As many answers are written at once as there are sequences; further calls wait for one.
 * 2. A sequence is emptied before it is used again: how fast a prompt is read says nothing of what others have sent.
 * 3. Closing ends what is being written, waits for it, and frees the memory.
 */
import { totalmem } from 'node:os';
import { MillraceError, toMillraceError } from '@millrace/kernel';
import { type Bulkhead, bulkhead } from '@millrace/resilience';
import { providerError } from '../providers/provider-error.js';
import type { GgufSettings } from './gguf-settings.js';
import {
  type Llama,
  type LlamaChat,
  type LlamaEmbeddingContext,
  type LlamaLibrary,
  type LlamaModel,
  type LlamaSequence,
  loadLlama,
} from './llama-library.js';

/** Calls that may wait for a sequence, beside those that wait before the model. */
const longestQueue = 1_000;

/** What the library has to say, at its own levels. */
export type LlamaLog = (level: string, message: string) => void;

export class LocalModel {
  private readonly slots: Bulkhead;
  private readonly closing = new AbortController();
  private readonly running = new Set<Promise<unknown>>();
  private embedding: Promise<LlamaEmbeddingContext> | undefined;
  private chatWrapper: LlamaChat['chatWrapper'] | undefined;

  private constructor(
    private readonly library: LlamaLibrary,
    readonly llama: Llama,
    readonly model: LlamaModel,
    private readonly free: LlamaSequence[],
    private readonly settings: GgufSettings,
  ) {
    const name = 'The local model';
    this.slots = bulkhead({ name, slots: free.length, queue: longestQueue, code: 'provider_overloaded' });
  }

  /**
   * Loads the library and the model.
   * @throws MillraceError `invalid_configuration` that says what to change
   */
  static async open(settings: GgufSettings, log: LlamaLog): Promise<LocalModel> {
    const library = await loading('The package node-llama-cpp does not load', () => loadLlama(settings.library));
    const { threads } = settings;
    const llama = await loading('The package node-llama-cpp has nothing that runs on this machine', () =>
      library.getLlama({ build: 'never', progressLogs: false, maxThreads: threads, logLevel: 'warn', logger: log }),
    );
    try {
      if (llama.gpu === false) refuseBeyondMemory(settings.file.bytes);
      const modelPath = settings.file.path;
      const model = await loading('The model of MILLRACE_GGUF does not load', () => llama.loadModel({ modelPath }));
      const context = await loading(
        'There is no room for the context of the local model: lower MILLRACE_GGUF_CONTEXT_TOKENS or MILLRACE_GGUF_CONCURRENCY',
        () =>
          model.createContext({
            contextSize: contextTokens(model, settings),
            sequences: settings.concurrency,
            threads,
            failedCreationRemedy: false,
          }),
      );
      const sequences = Array.from({ length: settings.concurrency }, () => context.getSequence());
      return new LocalModel(library, llama, model, sequences, settings);
    } catch (error) {
      await llama.dispose();
      throw error;
    }
  }

  /** Writes with an empty sequence. The signal aborts when the caller's does, or when the model closes. */
  withSequence<Result>(
    write: (sequence: LlamaSequence, signal: AbortSignal) => Promise<Result>,
    caller: AbortSignal,
  ): Promise<Result> {
    return this.within(caller, (signal) =>
      this.slots.execute(async () => {
        const sequence = this.free.pop();
        if (sequence === undefined) throw providerError('provider_overloaded', 'The local model is busy.');
        try {
          await sequence.clearHistory();
          return await write(sequence, signal);
        } finally {
          this.free.push(sequence);
        }
      }, signal),
    );
  }

  /** A chat in the words of the model's template, which takes long to find and is kept. */
  chat(sequence: LlamaSequence): LlamaChat {
    const { chatWrapper } = this;
    const chat = new this.library.LlamaChat({ contextSequence: sequence, ...(chatWrapper && { chatWrapper }) });
    this.chatWrapper = chat.chatWrapper;
    return chat;
  }

  /** Makes vectors; what they need beside the model is opened by the first call. */
  withEmbedding<Result>(
    make: (context: LlamaEmbeddingContext, signal: AbortSignal) => Promise<Result>,
    caller: AbortSignal,
  ): Promise<Result> {
    return this.within(caller, async (signal) => {
      const { threads } = this.settings;
      this.embedding ??= this.model.createEmbeddingContext({ contextSize: this.contextTokens, threads });
      this.embedding.catch(() => (this.embedding = undefined));
      return make(await this.embedding, signal);
    });
  }

  get contextTokens(): number {
    return contextTokens(this.model, this.settings);
  }

  /** When all that runs has ended. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.running);
  }

  async close(): Promise<void> {
    this.closing.abort(providerError('provider_unavailable', 'The local model is being closed.'));
    await this.idle();
    await this.llama.dispose();
  }

  private async within<Result>(caller: AbortSignal, use: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const signal = AbortSignal.any([caller, this.closing.signal]);
    signal.throwIfAborted();
    const running = use(signal);
    this.running.add(running);
    try {
      return await running;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof MillraceError) throw error;
      throw providerError('provider_unavailable', `The local model failed: ${shortened(error)}`);
    } finally {
      this.running.delete(running);
    }
  }
}

/** Beyond the memory the weights would be read from the disk again for each token. */
export function refuseBeyondMemory(bytes: number, memory = memoryOfThisProcess()): void {
  if (bytes <= memory) return;
  const message = `The model of MILLRACE_GGUF has ${gigabytes(bytes)} GB, and this machine ${gigabytes(memory)} GB of memory; take a smaller model or a smaller quantization of it.`;
  throw invalid(message);
}

/** A container may have less than its machine. */
function memoryOfThisProcess(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

const contextTokens = ({ trainContextSize }: LlamaModel, settings: GgufSettings): number =>
  Math.min(trainContextSize, settings.contextTokens);

async function loading<Result>(problem: string, load: () => Promise<Result>): Promise<Result> {
  try {
    return await load();
  } catch (error) {
    throw invalid(`${problem}: ${shortened(error)}`);
  }
}

const invalid = (message: string): MillraceError =>
  new MillraceError('invalid', 'invalid_configuration', message, {
    violations: [{ pointer: '/MILLRACE_GGUF', message }],
  });

const shortened = (error: unknown): string =>
  (error instanceof Error ? error.message : toMillraceError(error).message).slice(0, 300);
const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
