import type { pauseRun, Run } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';
import type { PauseRunRequest } from './run-commands.js';

@Injectable()
export class PauseRunHandler implements CommandHandler<typeof pauseRun> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle(data: PauseRunRequest, message: CommandMessage): Promise<Run> {
    return this.orchestrator.runs.pause(message.context, data);
  }
}
