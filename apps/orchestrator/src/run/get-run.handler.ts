import type { getRun, RequestOf, Run } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';

@Injectable()
export class GetRunHandler implements CommandHandler<typeof getRun> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle({ runId }: RequestOf<typeof getRun>, { tenantId }: CommandMessage): Promise<Run> {
    return this.orchestrator.reader.get(tenantId, runId);
  }
}
