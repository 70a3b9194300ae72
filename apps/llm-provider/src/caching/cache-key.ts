import type { AnswerCache } from '@millrace/contracts';
import { sha256Hex } from '@millrace/kernel';
import canonicalize from 'canonicalize';
import type { ChatRequest } from '../providers/chat-model.js';
import { questionForm } from './question-form.js';

/** Why an answer may not be kept and given again; null where it may. */
export function whyNotCacheable({ temperature, seed, tools, messages }: ChatRequest): string | null {
  if (temperature !== 0 && seed === undefined)
    return 'needs a temperature of 0 or a seed: other answers are meant to differ';
  if (tools !== undefined && tools.length > 0)
    return 'is not for calls with tools: what comes of them is not the same each time';
  const isRemote = messages.some(
    ({ content }) =>
      typeof content !== 'string' && content.some((part) => part.type === 'image' && !part.url.startsWith('data:')),
  );
  return isRemote ? 'is not for images at an address: what is there may change' : null;
}

/**
 * Names an answer by everything that it depends on; the tenant is in the key beside it.
 * @param model what tells the model or route from all others, and from itself when it was configured otherwise
 */
export function cacheKeyOf(
  model: string,
  { cache: _, ...request }: ChatRequest,
  { mode, ttlSeconds }: AnswerCache,
): string {
  const asked = mode === 'semantic' ? { ...request, messages: inPlainestWords(request.messages) } : request;
  return `answer:${mode}:${ttlSeconds}:${sha256Hex(canonicalize([model, asked]) ?? '')}`;
}

/** Only the last question is compared by its form: what was said before, the system's words above all, is compared as it is. */
function inPlainestWords(messages: ChatRequest['messages']): ChatRequest['messages'] {
  const last = messages.at(-1);
  if (last?.role !== 'user' || typeof last.content !== 'string') return messages;
  return [...messages.slice(0, -1), { ...last, content: questionForm(last.content) }];
}
