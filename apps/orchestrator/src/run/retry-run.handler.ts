import type { retryRun, Run } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';
import type { RetryRunRequest } from './run-commands.js';

@Injectable()
export class RetryRunHandler implements CommandHandler<typeof retryRun> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle(data: RetryRunRequest, message: CommandMessage): Promise<Run> {
    return this.orchestrator.runs.retry(message.context, data);
  }
}
