import { evaluationService } from '@millrace/evaluation';
import { gatewayService } from '@millrace/gateway';
import { llmProviderService } from '@millrace/llm-provider';
import { orchestratorService } from '@millrace/orchestrator';
import { researchService } from '@millrace/research';
import type { AnyServiceDefinition } from '@millrace/service';
import { toolboxService } from '@millrace/toolbox';

/** Every service, in the order of starting: workers, then who gives them work, then the door. Drained the other way. */
export const services: readonly AnyServiceDefinition[] = [
  researchService,
  llmProviderService,
  evaluationService,
  toolboxService,
  orchestratorService,
  gatewayService,
];
