import { evaluationService } from '@millrace/evaluation';
import { gatewayService } from '@millrace/gateway';
import { llmProviderService } from '@millrace/llm-provider';
import { orchestratorService } from '@millrace/orchestrator';
import { researchService } from '@millrace/research';
import type { AnyServiceDefinition } from '@millrace/service';
import { toolboxService } from '@millrace/toolbox';

/**
 * Every service in the order of starting, and drained the other way: first the door, then workers, each before the ones
 * that it asks, and at last the orchestrator, which takes the results of what the workers were still doing.
 */
export const services: readonly AnyServiceDefinition[] = [
  orchestratorService,
  researchService,
  llmProviderService,
  evaluationService,
  toolboxService,
  gatewayService,
];
