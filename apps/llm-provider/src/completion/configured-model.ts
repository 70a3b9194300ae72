import type { LlmProviderConfig } from '../config.js';
import { extractiveModel } from '../extractive/extractive-model.js';
import type { CompletionModel } from './completion-model.js';

/** The configured server, else the extractive model. The SDK is loaded only for a server. */
export async function configuredModel({ provider }: LlmProviderConfig): Promise<CompletionModel> {
  if (provider === null) return extractiveModel;
  const { OpenAiCompatibleModel } = await import('../openai-compatible/openai-compatible-model.js');
  return new OpenAiCompatibleModel(provider);
}
