import type { ServiceDefinition } from '@millrace/service';
import { type EvaluationConfig, readConfig } from './config.js';
import { EvaluationModule } from './evaluation.module.js';
import { migrations } from './schema/migrations.js';
import { subscriptions } from './subscriptions.js';

/** The evaluation service: scores with reasons. */
export const evaluationService: ServiceDefinition<EvaluationConfig> = {
  name: 'evaluation',
  config: readConfig,
  migrations,
  module: EvaluationModule,
  subscriptions,
};
