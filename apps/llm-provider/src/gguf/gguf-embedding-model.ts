import type { EmbeddingModelV4 } from '@ai-sdk/provider';
import { providerError } from '../providers/provider-error.js';
import type { LocalModel } from './local-model.js';

const textsPerCall = 64;

/** The local model as a maker of vectors of the length 1, one text after the other. */
export const ggufEmbeddingModel = (local: LocalModel, modelId: string): EmbeddingModelV4 => ({
  specificationVersion: 'v4',
  provider: 'gguf',
  modelId,
  maxEmbeddingsPerCall: textsPerCall,
  supportsParallelCalls: false,
  doEmbed: ({ values, abortSignal }) =>
    local.withEmbedding(async (context, signal) => {
      const lengths = values.map((value) => context.calculateInputLength(value));
      const longest = Math.max(...lengths);
      if (longest >= local.contextTokens) throw tooLong(longest, local.contextTokens);
      const embeddings: number[][] = [];
      for (const value of values) {
        signal.throwIfAborted();
        embeddings.push(ofLengthOne((await context.getEmbeddingFor(value)).vector));
      }
      return { embeddings, usage: { tokens: lengths.reduce((sum, length) => sum + length, 0) }, warnings: [] };
    }, abortSignal ?? new AbortController().signal),
});

function ofLengthOne(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((value) => (length === 0 ? 0 : value / length));
}

const tooLong = (tokens: number, context: number) =>
  providerError(
    'provider_rejected_request',
    `A text has ${tokens} tokens, and the local model reads fewer than ${context} at once.`,
  );
