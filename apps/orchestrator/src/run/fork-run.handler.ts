import type { forkRun, Run } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';
import type { ForkRunRequest } from './fork-run.js';

@Injectable()
export class ForkRunHandler implements CommandHandler<typeof forkRun> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle(data: ForkRunRequest, message: CommandMessage): Promise<Run> {
    return this.orchestrator.runs.fork(message.context, data);
  }
}
