import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { guardedFetch, responseLimits } from './guarded-fetch.js';

export interface Endpoint {
  /** The root of the API, e.g. `http://127.0.0.1:11434/v1`. */
  readonly baseUrl: string;
  /** Sent as a bearer token to this server alone; absent for servers that want none. */
  readonly apiKey: string | null;
  readonly model: string;
}

/** The SDK's model for an endpoint. */
export function chatModelAt({ baseUrl, apiKey, model }: Endpoint) {
  return createOpenAICompatible({
    name: 'openaiCompatible',
    baseURL: baseUrl,
    includeUsage: true,
    supportsStructuredOutputs: true,
    fetch: guardedFetch(responseLimits),
    ...(apiKey !== null && { apiKey }),
  }).chatModel(model);
}

export type ChatModel = ReturnType<typeof chatModelAt>;
