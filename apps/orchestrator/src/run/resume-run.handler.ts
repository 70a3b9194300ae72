import type { resumeRun, Run } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';
import type { ResumeRunRequest } from './run-commands.js';

@Injectable()
export class ResumeRunHandler implements CommandHandler<typeof resumeRun> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle(data: ResumeRunRequest, message: CommandMessage): Promise<Run> {
    return this.orchestrator.runs.resume(message.context, data);
  }
}
