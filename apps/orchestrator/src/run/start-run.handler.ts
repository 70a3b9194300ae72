import type { startRun, Run } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';
import { GraphAliases } from '../graph/graph-aliases.js';
import type { StartRunRequest } from './run-commands.js';

@Injectable()
export class StartRunHandler implements CommandHandler<typeof startRun> {
  constructor(
    private readonly orchestrator: Orchestrator,
    private readonly aliases: GraphAliases,
  ) {}

  /** @throws MillraceError `unknown_alias` */
  async handle(data: StartRunRequest, message: CommandMessage): Promise<Run> {
    const graph = await this.aliases.resolve(message.tenantId, data.graph);
    return this.orchestrator.runs.start(message.context, { ...data, graph });
  }
}
