import type { Run, signalRun } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';
import type { SignalRunRequest } from './run-commands.js';

@Injectable()
export class SignalRunHandler implements CommandHandler<typeof signalRun> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle(data: SignalRunRequest, message: CommandMessage): Promise<Run> {
    return this.orchestrator.runs.signal(message.context, data);
  }
}
