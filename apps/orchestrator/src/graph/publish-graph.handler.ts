import type { publishGraph, RequestOf, ResponseOf } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';
import { newGraphVersion } from './new-graph-version.js';

@Injectable()
export class PublishGraphHandler implements CommandHandler<typeof publishGraph> {
  constructor(private readonly orchestrator: Orchestrator) {}

  /** @throws MillraceError `invalid_graph` with a pointer to each mistake */
  async handle(
    { source }: RequestOf<typeof publishGraph>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof publishGraph>> {
    const { graphs } = this.orchestrator;
    const graph = await newGraphVersion(source, (name, version) => graphs.get(tenantId, name, version));
    if ('violations' in graph) {
      throw invalidInput('invalid_graph', 'The graph document has mistakes.', graph.violations);
    }
    return await graphs.publish(tenantId, graph);
  }
}
