import type { startRun, Run } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';
import type { StartRunRequest } from './run-commands.js';

@Injectable()
export class StartRunHandler implements CommandHandler<typeof startRun> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle(data: StartRunRequest, message: CommandMessage): Promise<Run> {
    return this.orchestrator.runs.start(message.context, data);
  }
}
