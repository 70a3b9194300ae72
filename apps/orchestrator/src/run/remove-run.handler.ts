import type { removeRun, RequestOf, Run } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';

@Injectable()
export class RemoveRunHandler implements CommandHandler<typeof removeRun> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle(data: RequestOf<typeof removeRun>, message: CommandMessage): Promise<Run> {
    return this.orchestrator.runs.remove(message.context, data);
  }
}
