import type { cancelRun, Run } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';
import type { CancelRunRequest } from './run-commands.js';

@Injectable()
export class CancelRunHandler implements CommandHandler<typeof cancelRun> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle(data: CancelRunRequest, message: CommandMessage): Promise<Run> {
    return this.orchestrator.runs.cancel(message.context, data);
  }
}
