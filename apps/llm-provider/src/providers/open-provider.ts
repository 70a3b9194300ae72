import type { EmbeddingModelV4 } from '@ai-sdk/provider';
import type { ProviderKind } from '@millrace/contracts';
import type { CompatibleSettings } from './openai-compatible/compatible-model.js';
import { type RerankingModel, rerankingAt } from './reranking.js';
import { guardedFetch } from './guarded-fetch.js';
import { responseLimits } from './response-rules.js';
import { libraryModel, type StreamingModel } from './streaming-model.js';

export interface ProviderAccess {
  readonly kind: ProviderKind;
  /** The root of its API, e.g. `http://127.0.0.1:11434/v1`. */
  readonly baseUrl: string;
  /** Sent to the host of `baseUrl` alone; null for servers that want none. */
  readonly apiKey: string | null;
}

/** The models of one provider, by the names that it gives them. */
export interface OpenProvider {
  language(model: string): StreamingModel;
  /** Undefined where the provider has none. */
  embedding?(model: string): EmbeddingModelV4;
  /** Undefined where it ranks no texts. */
  reranking?(model: string): RerankingModel;
}

type Opener = (settings: Settings) => Promise<OpenProvider>;

interface Settings {
  readonly baseURL: string;
  readonly apiKey: string;
  readonly fetch: typeof fetch;
}

/** Where each kind of provider is, unless it is told otherwise; null where only its user knows. */
export const defaultBaseUrls: Readonly<Record<ProviderKind, string | null>> = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
  groq: 'https://api.groq.com/openai/v1',
  mistral: 'https://api.mistral.ai/v1',
  'azure-openai': null,
  'openai-compatible': null,
};

/** Each library is loaded when the first provider of its kind is used. */
const openers: Readonly<Record<ProviderKind, Opener>> = {
  openai: async (settings) => {
    const { createOpenAI } = await import('@ai-sdk/openai');
    const provider = createOpenAI(settings);
    return {
      language: (model) => libraryModel(provider.chat(model)),
      embedding: (model) => provider.embeddingModel(model),
    };
  },
  anthropic: async (settings) => {
    const { createAnthropic } = await import('@ai-sdk/anthropic');
    const provider = createAnthropic(settings);
    return { language: (model) => libraryModel(provider.languageModel(model)) };
  },
  google: async (settings) => {
    const { createGoogle } = await import('@ai-sdk/google');
    const provider = createGoogle(settings);
    return {
      language: (model) => libraryModel(provider.languageModel(model)),
      embedding: (model) => provider.embeddingModel(model),
    };
  },
  groq: async (settings) => {
    const { createGroq } = await import('@ai-sdk/groq');
    const provider = createGroq(settings);
    return { language: (model) => libraryModel(provider.languageModel(model)) };
  },
  mistral: async (settings) => {
    const { createMistral } = await import('@ai-sdk/mistral');
    const provider = createMistral(settings);
    return {
      language: (model) => libraryModel(provider.languageModel(model)),
      embedding: (model) => provider.embeddingModel(model),
    };
  },
  // Azure's API of version 1 is OpenAI's with a header of its own for the key; its deployments are the models.
  'azure-openai': ({ baseURL, apiKey, fetch }) =>
    openCompatible({ baseURL: `${baseURL}/openai/v1`, fetch, headers: { 'api-key': apiKey } }),
  'openai-compatible': async ({ baseURL, apiKey, fetch }) => ({
    ...(await openCompatible({ baseURL, fetch, headers: apiKey === '' ? {} : { authorization: `Bearer ${apiKey}` } })),
    reranking: (model) => rerankingAt({ baseURL, apiKey, fetch }, model),
  }),
};

async function openCompatible({
  fetch,
  ...settings
}: CompatibleSettings & { readonly fetch: typeof globalThis.fetch }): Promise<OpenProvider> {
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
  const { CompatibleModel } = await import('./openai-compatible/compatible-model.js');
  const provider = createOpenAICompatible({ name: 'openaiCompatible', fetch, ...settings });
  return {
    language: (model) => new CompatibleModel(model, settings),
    embedding: (model) => provider.embeddingModel(model),
  };
}

/** The provider's models. Its key goes to its own host and nowhere else. */
export async function openProvider({ kind, baseUrl, apiKey }: ProviderAccess): Promise<OpenProvider> {
  const root = baseUrl.replace(/\/+$/, '');
  const { origin } = new URL(root);
  // An empty key keeps the libraries from looking for one in the environment.
  return openers[kind]({ baseURL: root, apiKey: apiKey ?? '', fetch: guardedFetch(origin, responseLimits) });
}
