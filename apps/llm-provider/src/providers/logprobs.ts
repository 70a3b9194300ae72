/** Likelihoods of tokens, which providers with the protocol of OpenAI tell beside the text. */
import { logprobsSchema, type Logprobs } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import { z } from 'zod';
import type { StreamingModel } from './streaming-model.js';

/** Under which name each library takes fields of its own, and what it calls this one. */
const optionsOf: Readonly<Record<string, (top: number) => Record<string, Record<string, boolean | number>>>> = {
  openai: (top) => ({ openai: { logprobs: top } }),
  openaiCompatible: (top) => ({ openaiCompatible: { logprobs: true, top_logprobs: top } }),
};

/** What asks a model for them. @throws MillraceError `logprobs_not_offered` */
export function askingForLogprobs({ provider }: StreamingModel, top: number) {
  const options = optionsOf[provider.split('.', 1)[0] ?? ''];
  if (options === undefined) {
    throw invalidInput('logprobs_not_offered', 'The provider of this model tells no likelihoods of tokens.', [
      { pointer: '/logprobs', message: 'is offered by openai, azure-openai and openai-compatible providers only' },
    ]);
  }
  return { includeRawChunks: true, providerOptions: options(top) };
}

const chunkSchema = z.object({
  choices: z.array(z.object({ logprobs: z.object({ content: logprobsSchema.nullish() }).nullish() })).min(1),
});

/** Those in one frame of a stream. */
export function logprobsIn(frame: unknown): Logprobs {
  const chunk = chunkSchema.safeParse(frame);
  return chunk.data?.choices[0]?.logprobs?.content ?? [];
}
