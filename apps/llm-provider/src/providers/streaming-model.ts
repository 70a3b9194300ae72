import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider';

export type AnswerPart = LanguageModelV4StreamPart;

/** A model of a provider in the words of the SDK, told of each part of an answer as it comes. */
export interface StreamingModel {
  readonly provider: string;
  readonly modelId: string;
  /** Resolves after the last part. What `onPart` throws ends the call, down to the provider's socket. @throws what went wrong with it */
  stream(options: LanguageModelV4CallOptions, onPart: (part: AnswerPart) => void): Promise<void>;
}

/** A model as a library of the SDK has it. */
export const libraryModel = (model: LanguageModelV4): StreamingModel => ({
  provider: model.provider,
  modelId: model.modelId,
  async stream(options, onPart) {
    const { stream } = await model.doStream(options);
    // Leaving the loop by an error cancels the stream and with it the connection.
    for await (const part of stream) onPart(part);
  },
});
