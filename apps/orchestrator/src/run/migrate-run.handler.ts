import type { migrateRun, Run } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';
import type { MigrateRunRequest } from './run-commands.js';

@Injectable()
export class MigrateRunHandler implements CommandHandler<typeof migrateRun> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle(data: MigrateRunRequest, message: CommandMessage): Promise<Run> {
    return this.orchestrator.runs.migrate(message.context, data);
  }
}
