import type { ChatMessage } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { groundJson, groundText } from '../grounding/ground-answer.js';
import type { ChatAnswer, ChatModel, ChatRequest, TokenUsage } from '../providers/chat-model.js';
import { providerError } from '../providers/provider-error.js';
import type {
  AnswerFormat,
  Completion,
  CompletionContext,
  CompletionModel,
  CompletionRequest,
} from './completion-model.js';
import { readJsonAnswer } from './json-answer.js';
import { ProseOfJson } from './prose-of-json.js';

/** How a server can be asked for JSON, from the strictest on; what it does not take is not tried again. */
const jsonModes = ['schema', 'object', 'words'] as const;
type JsonMode = (typeof jsonModes)[number];

/** A bad answer beyond this is not sent back for repair. */
const longestRepair = 40_000;

type JsonFormat = Extract<AnswerFormat, { kind: 'json' }>;

/**
 * Completions by a language model: its text is bound to the evidence, and JSON that does not fit is sent back once for repair.
 *
 * @throws MillraceError with the codes of `ProviderErrorCode`, or the signal's reason.
 */
export class ProviderCompletionModel implements CompletionModel {
  readonly name: string;
  private jsonMode: JsonMode = 'schema';

  constructor(private readonly model: ChatModel) {
    this.name = model.name;
  }

  complete(request: CompletionRequest, context: CompletionContext): Promise<Completion> {
    const { answer } = request;
    return answer.kind === 'text' ? this.completeText(request, context) : this.completeJson(request, answer, context);
  }

  private async completeText(request: CompletionRequest, context: CompletionContext): Promise<Completion> {
    const raw = await this.model.chat(chatOf(request), { ...listenerOf(context), onText: context.emit });
    const grounded = groundText(raw.text, request.evidence);
    return { ...grounded, ...factsOf(raw), usage: raw.usage };
  }

  private async completeJson(
    request: CompletionRequest,
    format: JsonFormat,
    context: CompletionContext,
  ): Promise<Completion> {
    const instructed = { ...request, messages: withSchema(request.messages, format) };
    const first = await this.askForJson(instructed, format, context);
    if (first.toolCalls.length > 0)
      return { text: first.text, json: null, citations: [], ...factsOf(first), usage: first.usage };
    const read = readJsonAnswer(first.text, format.schema);
    if (read.ok) return grounded(request, format, read.json, first, first.usage);
    if (first.finishReason === 'length') {
      throw providerError(
        'provider_answer_too_long',
        'The answer was cut at the token limit. Give the task a higher maxTokens.',
      );
    }
    const repaired = await this.askForJson(withRepair(instructed, first.text, read.problem), format, {
      ...context,
      emit: () => undefined,
    });
    const reread = readJsonAnswer(repaired.text, format.schema);
    if (!reread.ok)
      throw providerError('provider_invalid_response', `The model answered without usable JSON. ${reread.problem}`);
    return grounded(request, format, reread.json, repaired, added(first.usage, repaired.usage));
  }

  /** Asks in the strictest way that the server takes, and remembers which that is. */
  private async askForJson(
    request: CompletionRequest,
    format: JsonFormat,
    context: CompletionContext,
  ): Promise<ChatAnswer> {
    for (const mode of jsonModes.slice(jsonModes.indexOf(this.jsonMode))) {
      const prose = format.cites === null ? null : new ProseOfJson(format.cites, context.emit);
      try {
        const raw = await this.model.chat(
          { ...chatOf(request), ...jsonOf(mode, format) },
          { ...listenerOf(context), onText: (text) => prose?.push(text) },
        );
        await prose?.end();
        this.jsonMode = mode;
        return raw;
      } catch (error) {
        const mayBeTheMode = error instanceof MillraceError && error.code === 'provider_rejected_request';
        if (!mayBeTheMode || mode === 'words') throw error;
      }
    }
    throw providerError('provider_rejected_request', 'The model provider takes no request for JSON.');
  }
}

const listenerOf = ({ signal, account }: CompletionContext) => ({
  signal,
  ...(account !== undefined && { account }),
});

function chatOf({ messages, tools, toolChoice, maxTokens, temperature, seed, cache }: CompletionRequest): ChatRequest {
  return {
    messages,
    ...(tools !== undefined && { tools }),
    ...(toolChoice !== undefined && { toolChoice }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(seed !== undefined && { seed }),
    ...(cache !== undefined && { cache }),
  };
}

function jsonOf(mode: JsonMode, format: JsonFormat): Pick<ChatRequest, 'json'> {
  switch (mode) {
    case 'schema':
      return { json: { name: 'answer', schema: format.schema } };
    case 'object':
      return { json: {} };
    case 'words':
      return {};
  }
}

const factsOf = ({ finishReason, toolCalls, model, cached }: ChatAnswer) => ({
  finishReason,
  model,
  ...(toolCalls.length > 0 && { toolCalls }),
  ...(cached !== undefined && { cached }),
});

const grounded = (
  request: CompletionRequest,
  format: JsonFormat,
  json: Parameters<typeof groundJson>[0],
  raw: ChatAnswer,
  usage: TokenUsage,
): Completion => ({ ...groundJson(json, format.cites, request.evidence), ...factsOf(raw), usage });

/** Says the schema in words, too: not every server enforces it, and a model that knows it writes better. */
function withSchema(messages: readonly ChatMessage[], format: Extract<AnswerFormat, { kind: 'json' }>): ChatMessage[] {
  const instruction = `Answer with one JSON object and nothing else. It fits this JSON Schema:\n${JSON.stringify(format.schema)}`;
  const [first, ...rest] = messages;
  if (first?.role === 'system') return [{ role: 'system', content: `${first.content}\n\n${instruction}` }, ...rest];
  return [{ role: 'system', content: instruction }, ...messages];
}

function withRepair(request: CompletionRequest, answer: string, problem: string): CompletionRequest {
  const messages: ChatMessage[] = [
    ...request.messages,
    { role: 'assistant', content: answer.slice(0, longestRepair) },
    {
      role: 'user',
      content: `That cannot be used. ${problem} Send the whole answer again as one JSON object, and nothing else.`,
    },
  ];
  return { ...request, messages };
}

function added(left: TokenUsage, right: TokenUsage): TokenUsage {
  const cachedPromptTokens = (left.cachedPromptTokens ?? 0) + (right.cachedPromptTokens ?? 0);
  return {
    promptTokens: left.promptTokens + right.promptTokens,
    completionTokens: left.completionTokens + right.completionTokens,
    ...(cachedPromptTokens > 0 && { cachedPromptTokens }),
  };
}
