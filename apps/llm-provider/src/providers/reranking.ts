/**
 * Reranking by servers that offer `POST /rerank` beside the protocol of OpenAI: vLLM, llama.cpp, Infinity, Jina and others take a model,
 * a query and documents, and answer with a score for each.
 */
import { APICallError } from 'ai';
import { z } from 'zod';
import { providerError } from './provider-error.js';

export interface RankedText {
  /** Which of the texts. */
  readonly index: number;
  /** The higher the more it says on the query; of no fixed range, since models differ. */
  readonly score: number;
}

export interface RerankingModel {
  /** All texts, the best first. `tokens` is null where the server tells none. */
  rerank(
    request: { readonly query: string; readonly texts: readonly string[] },
    signal: AbortSignal,
  ): Promise<{ readonly items: readonly RankedText[]; readonly tokens: number | null }>;
}

const replySchema = z.object({
  results: z.array(z.object({ index: z.int().nonnegative(), relevance_score: z.number() })),
  usage: z.object({ total_tokens: z.number().optional(), prompt_tokens: z.number().optional() }).nullish(),
});

export function rerankingAt(
  {
    baseURL,
    apiKey,
    fetch: guarded,
  }: { readonly baseURL: string; readonly apiKey: string; readonly fetch: typeof fetch },
  model: string,
): RerankingModel {
  const url = `${baseURL}/rerank`;
  return {
    async rerank({ query, texts }, signal) {
      const response = await guarded(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(apiKey !== '' && { authorization: `Bearer ${apiKey}` }) },
        body: JSON.stringify({ model, query, documents: texts, top_n: texts.length }),
        signal,
      });
      if (!response.ok) throw await refusalOf(response, url);
      const reply = replySchema.safeParse(await response.json().catch(() => null));
      if (!reply.success) throw noRanking();
      const { results, usage } = reply.data;
      const indexes = new Set(results.map(({ index }) => index));
      if (indexes.size !== texts.length || results.length !== texts.length || Math.max(...indexes) >= texts.length)
        throw noRanking();
      const items = results.map(({ index, relevance_score: score }) => ({ index, score }));
      // Equal ones stay in the order of the texts.
      items.sort((left, right) => right.score - left.score || left.index - right.index);
      return { items, tokens: usage?.total_tokens ?? usage?.prompt_tokens ?? null };
    },
  };
}

async function refusalOf(response: Response, url: string): Promise<APICallError> {
  return new APICallError({
    message: 'The server refused to rank texts.',
    url,
    requestBodyValues: {},
    statusCode: response.status,
    responseHeaders: Object.fromEntries(response.headers),
    responseBody: await response.text(),
  });
}

const noRanking = () =>
  providerError('provider_invalid_response', 'The model provider sent something that ranks other texts than these.');
