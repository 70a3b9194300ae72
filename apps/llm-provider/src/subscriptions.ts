import { llmTask } from '@millrace/contracts';
import { defineSubscriptions } from '@millrace/service';
import { CompleteHandler } from './completion/complete.handler.js';
import type { LlmProviderConfig } from './config.js';

/** The whole inbox of the llm-provider service. */
export const subscriptions = defineSubscriptions([
  { contract: llmTask, handler: CompleteHandler, slots: (config: LlmProviderConfig) => config.slots },
]);
