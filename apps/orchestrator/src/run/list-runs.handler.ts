import type { listRuns, RequestOf, ResponseOf } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';
import { writeCursor } from '../cursor.js';
import { readRunCursor } from './run-cursor.js';

@Injectable()
export class ListRunsHandler implements CommandHandler<typeof listRuns> {
  constructor(private readonly orchestrator: Orchestrator) {}

  async handle(
    { limit, cursor, status, graph, thread }: RequestOf<typeof listRuns>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof listRuns>> {
    const after = cursor === undefined ? null : readRunCursor(cursor);
    const found = await this.orchestrator.reader.list(tenantId, { status, graph, thread }, after, limit + 1);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const more = found.length > limit && last !== undefined;
    return { items, cursor: more ? writeCursor({ createdAt: last.createdAt, runId: last.id }) : null };
  }
}
