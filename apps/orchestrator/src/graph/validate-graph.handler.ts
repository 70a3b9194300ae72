import type { RequestOf, ResponseOf, validateGraph } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';
import { newGraphVersion } from './new-graph-version.js';

@Injectable()
export class ValidateGraphHandler implements CommandHandler<typeof validateGraph> {
  constructor(private readonly orchestrator: Orchestrator) {}

  async handle(
    { source }: RequestOf<typeof validateGraph>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof validateGraph>> {
    const { graphs } = this.orchestrator;
    const graph = await newGraphVersion(source, (name, version) => graphs.get(tenantId, name, version));
    const violations = 'violations' in graph ? [...graph.violations] : [];
    return { valid: violations.length === 0, violations };
  }
}
