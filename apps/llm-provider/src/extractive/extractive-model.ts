import { outlineSchema, type ChatMessage, type Citation } from '@millrace/contracts';
import { MillraceError, type JsonObject, type JsonValue } from '@millrace/kernel';
import { z } from 'zod';
import { inChatSpan, type ChatCall } from '../completion/chat-span.js';
import type {
  Completion,
  CompletionContext,
  CompletionModel,
  CompletionRequest,
} from '../completion/completion-model.js';
import { composeAnswer } from './answer.js';
import { composeArticle } from './article.js';
import { readFeedback } from './feedback.js';
import { composeOutline } from './outline.js';
import { useTools } from './tool-use.js';

/** It reads no tokens and writes none: whatever it costs is this machine's time. */
const usage = { promptTokens: 0, completionTokens: 0 };

const topicSchema = z.object({ topic: z.string(), keyword: z.string().nullish() });

/**
 * The model that is none: it composes outlines, articles and answers from sentences of the evidence, word for word, the
 * same for the same input. It needs no key and no network, and never says what no source says.
 */
export const extractiveModel: CompletionModel = {
  name: 'extractive',

  // A rejected promise rather than a throw, and the caller's cancellation before any work.
  async complete(request: CompletionRequest, context: CompletionContext): Promise<Completion> {
    context.signal.throwIfAborted();
    return inChatSpan(call(request), () => Promise.resolve(compose(request, context)));
  },
};

const call = ({ answer }: CompletionRequest): ChatCall => ({
  provider: 'millrace',
  model: 'extractive',
  kind: 'internal',
  answers: answer.kind,
});

function compose(request: CompletionRequest, context: CompletionContext): Completion {
  const { prompt } = request;
  if (prompt?.id === 'content/outline@1') return jsonCompletion(composeOutline(subjectOf(request)), []);
  if (prompt?.id === 'content/draft@1') return draft(request, prompt.variables, context);
  return withTools(request, context) ?? answer(request, context);
}

/** Null where the request has to do with no tool. */
function withTools(request: CompletionRequest, context: CompletionContext): Completion | null {
  const use = request.answer.kind === 'text' ? useTools(request) : null;
  if (use === null) return null;
  const facts = { json: null, citations: [], usage, model: 'extractive' };
  if ('calls' in use) return { ...facts, text: '', toolCalls: use.calls, finishReason: 'tool-calls' };
  if (!use.found || request.evidence.length === 0) {
    context.emit(use.text);
    return { ...facts, text: use.text, finishReason: 'stop' };
  }
  const { pieces, citations } = composeAnswer(questionOf(request), request.evidence);
  const said = use.text === '' ? pieces : [use.text, ...pieces];
  said.forEach((piece, index) => context.emit(index === 0 ? piece : `\n\n${piece}`));
  return { ...facts, text: said.join('\n\n'), citations, finishReason: 'stop' };
}

function draft(request: CompletionRequest, variables: JsonObject, context: CompletionContext): Completion {
  const subject = subjectOf(request);
  const planned = outlineSchema.safeParse(variables['outline']);
  const outline = planned.success ? planned.data : composeOutline(subject);
  const { article, citations, pieces } = composeArticle({
    ...subject,
    outline,
    revision: readFeedback(variables['feedback']),
  });
  pieces.forEach((piece, index) => context.emit(index === 0 ? piece : `\n\n${piece}`));
  return jsonCompletion(article, citations);
}

function answer(request: CompletionRequest, context: CompletionContext): Completion {
  if (request.answer.kind === 'json') {
    throw new MillraceError(
      'unsupported',
      'unsupported_prompt',
      `The extractive model cannot answer ${request.prompt?.id ?? 'this'} in JSON. Configure a language model with MILLRACE_LLM_BASE_URL.`,
    );
  }
  const { pieces, citations } = composeAnswer(questionOf(request), request.evidence);
  pieces.forEach((piece, index) => context.emit(index === 0 ? piece : `\n\n${piece}`));
  return { text: pieces.join('\n\n'), json: null, citations, finishReason: 'stop', usage, model: 'extractive' };
}

function subjectOf(request: CompletionRequest) {
  const { topic, keyword } = topicSchema.parse(request.prompt?.variables);
  return { topic, keyword: keyword?.trim() ?? '', evidence: request.evidence };
}

/** What a prompt that it does not know, or a conversation, asks about. */
function questionOf({ prompt, messages }: CompletionRequest): string {
  const strings = Object.values(prompt?.variables ?? {}).filter((value) => typeof value === 'string');
  if (strings.length > 0) return strings.join(' ');
  return textOf(messages.findLast((message) => message.role === 'user')?.content ?? '');
}

const textOf = (content: Extract<ChatMessage, { role: 'user' }>['content']): string =>
  typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');

function jsonCompletion(json: JsonValue, citations: readonly Citation[]): Completion {
  return { text: JSON.stringify(json), json, citations, finishReason: 'stop', usage, model: 'extractive' };
}
