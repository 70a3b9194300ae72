import type { AnswerCache, ChatMessage, ChatTool, Logprobs, ToolCall, ToolChoice } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import type { CallAccount } from '../spending/call-account.js';

/** What is asked of a model. */
export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly ChatTool[];
  readonly toolChoice?: ToolChoice;
  /** JSON instead of free text, by a schema where there is one. */
  readonly json?: { readonly name?: string; readonly schema?: JsonObject };
  /** Absent: as many as the model's configuration says. */
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  /** How likely each token was, with so many others in its place. */
  readonly logprobs?: number;
  /** Whether an answer may be one that was given before. Models themselves know nothing of it. */
  readonly cache?: AnswerCache;
}

export interface TokenUsage {
  /** All of the prompt, what was cached included. */
  readonly promptTokens: number;
  /** Of `promptTokens`, those that the provider had cached. */
  readonly cachedPromptTokens?: number;
  readonly completionTokens: number;
}

export interface ChatAnswer {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: 'stop' | 'length' | 'tool-calls' | 'other';
  /** As the provider reported it; counted where it did not, or where that cannot be true. */
  readonly usage: TokenUsage;
  /** Which model it was: `openai/gpt-5-mini`. */
  readonly model: string;
  /** Where they were asked for; null where they did not come. */
  readonly logprobs?: Logprobs | null;
  /** It was given before: nothing was asked, and nothing is to be paid. */
  readonly cached?: AnswerCache['mode'];
}

export interface ChatListener {
  /** Each piece of the answer's text, as it comes, with how likely its tokens were where that was asked for. */
  readonly onText: (text: string, logprobs?: Logprobs) => void;
  /** Each tool that is asked for, when its arguments are whole. */
  readonly onToolCall?: (call: ToolCall) => void;
  /** Who makes the call: whose budgets pay for it, and who takes turns where calls wait. Without one nobody pays. */
  readonly account?: CallAccount;
  /** Ends the call, down to the provider's socket. */
  readonly signal: AbortSignal;
}

/** The port: a model that answers a conversation. */
export interface ChatModel {
  /** As callers name it: `openai/gpt-5-mini`. */
  readonly name: string;
  /** @throws MillraceError with a code of `ProviderErrorCode`, `invalid_messages`, or the signal's reason. */
  chat(request: ChatRequest, listener: ChatListener): Promise<ChatAnswer>;
}
