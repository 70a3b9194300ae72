import type { ServiceDefinition } from '@millrace/service';
import { type LlmProviderConfig, readConfig } from './config.js';
import { LlmProviderModule } from './llm-provider.module.js';
import { migrations } from './schema/migrations/index.js';
import { subscriptions } from './subscriptions.js';

/** The llm-provider service: completions through one port, with a ledger. */
export const llmProviderService: ServiceDefinition<LlmProviderConfig> = {
  name: 'llm-provider',
  config: readConfig,
  migrations,
  module: LlmProviderModule,
  subscriptions,
};
