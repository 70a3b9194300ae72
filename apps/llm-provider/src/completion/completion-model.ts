import type {
  AnswerCache,
  ChatMessage,
  ChatTool,
  Citation,
  OutputOf,
  Passage,
  ToolCall,
  ToolChoice,
  llmTask,
} from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import type { TokenUsage } from '../providers/chat-model.js';
import type { CallAccount } from '../spending/call-account.js';

/** What is asked of a model. `evidence[n - 1]` is what `[n]` names. */
export interface CompletionRequest {
  /** The prompt's id and variables, for models that follow no instructions; null for plain messages. */
  readonly prompt: { readonly id: string; readonly variables: JsonObject } | null;
  readonly messages: readonly ChatMessage[];
  readonly evidence: readonly Passage[];
  readonly answer: AnswerFormat;
  readonly tools?: readonly ChatTool[];
  readonly toolChoice?: ToolChoice;
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly seed?: number;
  readonly cache?: AnswerCache;
}

/** Free text with markers, or JSON; `cites` is the field of it that holds Markdown with markers. */
export type AnswerFormat =
  { readonly kind: 'text' } | { readonly kind: 'json'; readonly schema: JsonObject; readonly cites: string | null };

export interface CompletionContext {
  /** Whose budgets pay for it. */
  readonly account?: CallAccount;
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
  readonly toolCalls?: readonly ToolCall[];
  /** Which model wrote it, where the one that was asked chose among several. */
  readonly model: string;
  readonly usage: TokenUsage;
  readonly cached?: AnswerCache['mode'];
}

/** The port: whatever writes answers. */
export interface CompletionModel {
  /** As results name it: `extractive`, `openai/gpt-5-mini`. */
  readonly name: string;
  /**
   * @throws MillraceError `no_evidence` (permanent) when it may write from evidence only and there is none on the matter;
   *   `provider_…` as the adapter documents.
   */
  complete(request: CompletionRequest, context: CompletionContext): Promise<Completion>;
}
