import type { ServiceDefinition } from '@millrace/service';
import { readConfig, type ResearchConfig } from './config.js';
import { ResearchModule } from './research.module.js';
import { migrations } from './schema/migrations.js';
import { subscriptions } from './subscriptions.js';

export const researchService: ServiceDefinition<ResearchConfig> = {
  name: 'research',
  config: readConfig,
  migrations,
  module: ResearchModule,
  subscriptions,
};
