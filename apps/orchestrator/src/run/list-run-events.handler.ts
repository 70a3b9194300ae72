import type { listRunEvents, RequestOf, ResponseOf } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';

@Injectable()
export class ListRunEventsHandler implements CommandHandler<typeof listRunEvents> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle(
    { runId, after, limit }: RequestOf<typeof listRunEvents>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof listRunEvents>> {
    return this.orchestrator.reader.events(tenantId, runId, { after, limit });
  }
}
