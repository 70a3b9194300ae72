/**
 * What this service uses of node-llama-cpp. The package is hundreds of megabytes, so nobody gets it who does not ask for it:
 * whoever sets MILLRACE_GGUF installs it, and its types are told here.
 */
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { JsonObject, JsonValue } from '@millrace/kernel';

export type Token = number;

export interface FunctionCallItem {
  readonly type: 'functionCall';
  readonly name: string;
  readonly params: JsonValue;
  result: JsonValue;
}

export type HistoryItem =
  | { readonly type: 'system' | 'user'; readonly text: string }
  | { readonly type: 'model'; readonly response: (string | FunctionCallItem)[] };

export type LlamaFunctions = Readonly<Record<string, { readonly description?: string; readonly params?: JsonObject }>>;

export interface ResponseChunk {
  readonly type: 'segment' | undefined;
  readonly text: string;
}

export interface GenerateOptions {
  readonly onResponseChunk: (chunk: ResponseChunk) => void;
  readonly signal: AbortSignal;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly seed?: number;
  readonly repeatPenalty:
    false | { readonly penalty: number; readonly frequencyPenalty: number; readonly presencePenalty: number };
  readonly customStopTriggers?: readonly string[];
  readonly grammar?: LlamaGrammar;
  readonly functions?: LlamaFunctions;
}

export interface GeneratedResponse {
  readonly response: string;
  readonly functionCalls?: readonly { readonly functionName: string; readonly params: JsonValue }[];
  readonly metadata: { readonly stopReason: string };
}

export interface LlamaChat {
  readonly chatWrapper: {
    generateContextState(options: {
      readonly chatHistory: HistoryItem[];
      readonly availableFunctions?: LlamaFunctions;
    }): {
      readonly contextText: { tokenize(tokenizer: unknown): Token[] };
    };
  };
  generateResponse(history: HistoryItem[], options: GenerateOptions): Promise<GeneratedResponse>;
  dispose(): void;
}

interface TokenMeter {
  getState(): unknown;
  diff(before: unknown): { readonly usedInputTokens: number; readonly usedOutputTokens: number };
}

export interface LlamaSequence {
  readonly contextSize: number;
  /** What it holds now. */
  readonly contextTokens: readonly Token[];
  readonly tokenMeter: TokenMeter;
  clearHistory(): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: Token[]): Promise<void>;
}

interface LlamaContext {
  getSequence(): LlamaSequence;
}

export interface LlamaEmbeddingContext {
  calculateInputLength(text: string): number;
  getEmbeddingFor(text: string): Promise<{ readonly vector: readonly number[] }>;
}

export interface LlamaModel {
  readonly tokenizer: unknown;
  readonly trainContextSize: number;
  createContext(options: {
    readonly contextSize: number;
    readonly sequences: number;
    readonly threads: number;
    readonly failedCreationRemedy: false;
  }): Promise<LlamaContext>;
  createEmbeddingContext(options: {
    readonly contextSize: number;
    readonly threads: number;
  }): Promise<LlamaEmbeddingContext>;
}

export interface LlamaGrammar {
  readonly grammar: string;
}

export interface Llama {
  /** Which graphics processor computes; false where none does. */
  readonly gpu: string | false;
  loadModel(options: { readonly modelPath: string; readonly useMmap?: boolean }): Promise<LlamaModel>;
  createGrammarForJsonSchema(schema: JsonObject): Promise<LlamaGrammar>;
  dispose(): Promise<void>;
}

export interface LlamaLibrary {
  getLlama(options: {
    readonly build: 'never';
    readonly progressLogs: false;
    readonly maxThreads: number;
    readonly logLevel: 'warn';
    readonly logger: (level: string, message: string) => void;
  }): Promise<Llama>;
  readonly LlamaChat: new (options: {
    readonly contextSequence: LlamaSequence;
    readonly chatWrapper?: LlamaChat['chatWrapper'];
  }) => LlamaChat;
}

/**
 * Where the library's module is; null where it is not installed.
 * @param folder where it was installed; absent: beside this service
 */
export function locateLlama(folder?: string): string | null {
  const from = folder === undefined ? import.meta.url : join(resolve(folder), 'anything.js');
  try {
    return createRequire(from).resolve('node-llama-cpp');
  } catch {
    return null;
  }
}

export const loadLlama = (module: string): Promise<LlamaLibrary> =>
  import(pathToFileURL(module).href) as Promise<LlamaLibrary>;
