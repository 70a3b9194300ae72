import type { ServiceDefinition } from '@millrace/service';
import { orchestratorConfig, type OrchestratorConfig } from './config.js';
import { OrchestratorModule } from './orchestrator.module.js';
import { orchestratorMigrations } from './schema/migrations/index.js';
import { subscriptions } from './subscriptions.js';

export const orchestratorService: ServiceDefinition<OrchestratorConfig> = {
  name: 'orchestrator',
  config: orchestratorConfig,
  migrations: orchestratorMigrations,
  module: OrchestratorModule,
  subscriptions,
};
