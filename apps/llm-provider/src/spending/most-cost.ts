import type { ChatRequest } from '../providers/chat-model.js';
import type { Rates } from '../ledger/price.js';

/** Of a picture: more than any provider counts for one. */
const tokensOfImage = 5_000;
/** Of what a provider puts around each message. */
const tokensAround = 32;

/**
 * The most that a call can cost, in US dollars. A token is at least one byte in every vocabulary, so the bytes of the prompt bound
 * its tokens; the answer is bounded by what it may have.
 */
export function mostCost(request: ChatRequest, maxTokens: number, rates: Rates): number {
  const { inputUsdPerMillion: input, cachedInputUsdPerMillion: cached = input, outputUsdPerMillion: output } = rates;
  const promptTokens = Math.max(mostPromptTokens(request), 1);
  return (promptTokens * Math.max(input, cached) + maxTokens * output) / 1_000_000;
}

function mostPromptTokens({ messages, tools, json }: ChatRequest): number {
  const ofMessages = messages.reduce((sum, message) => sum + tokensAround + tokensOf(message), 0);
  return ofMessages + bytesOf(tools) + bytesOf(json);
}

function tokensOf(message: ChatRequest['messages'][number]): number {
  if (typeof message.content === 'string') return bytesOf(message);
  return message.content.reduce(
    (sum, part) => sum + tokensAround + (part.type === 'text' ? bytesOf(part.text) : tokensOfImage),
    0,
  );
}

const bytesOf = (value: unknown): number => (value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value)));
