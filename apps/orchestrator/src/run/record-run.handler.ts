import type { recordRun, RequestOf, RunRecording } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';

@Injectable()
export class RecordRunHandler implements CommandHandler<typeof recordRun> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle({ runId }: RequestOf<typeof recordRun>, { tenantId }: CommandMessage): Promise<RunRecording> {
    return this.orchestrator.recorder.record(tenantId, runId);
  }
}
