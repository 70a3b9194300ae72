import type { Citation, OutputOf, Passage, llmTask } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';

/** What is asked of a model. `evidence[n - 1]` is what `[n]` names. */
export interface CompletionRequest {
  /** The prompt's id and variables, for models that follow no instructions; null for plain messages. */
  readonly prompt: { readonly id: string; readonly variables: JsonObject } | null;
  readonly messages: readonly Message[];
  readonly evidence: readonly Passage[];
  readonly answer: AnswerFormat;
  readonly maxTokens?: number;
  readonly temperature?: number;
}

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Free text with markers, or JSON; `cites` is the field of it that holds Markdown with markers. */
export type AnswerFormat =
  { readonly kind: 'text' } | { readonly kind: 'json'; readonly schema: JsonObject; readonly cites: string | null };

export interface CompletionContext {
  /** Ends the call, down to the provider's socket. */
  readonly signal: AbortSignal;
  /** Shows the answer's prose as it comes; markers in it are not numbered yet. */
  readonly emit: (text: string) => void;
}

type FinishReason = OutputOf<typeof llmTask>['finishReason'];

export interface Completion {
  readonly text: string;
  readonly json: JsonValue | null;
  /** Every marker of the prose has its citation, and the other way round. */
  readonly citations: readonly Citation[];
  readonly finishReason: FinishReason;
  readonly usage: TokenUsage;
}

export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Injection token of the configured model. */
export const COMPLETION_MODEL = Symbol('llm-provider.completion-model');

/** The port: whatever writes answers. */
export interface CompletionModel {
  /** As results name it: `extractive`, `openai-compatible:llama-3`. */
  readonly name: string;
  /**
   * @throws MillraceError `no_evidence` (permanent) when it may write from evidence only and there is none on the matter;
   *   `provider_…` as the adapter documents.
   */
  complete(request: CompletionRequest, context: CompletionContext): Promise<Completion>;
}
