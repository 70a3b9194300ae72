import type { listApprovals, RequestOf, ResponseOf } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { writeCursor } from '../cursor.js';
import { Orchestrator } from '../orchestrator.js';
import { readApprovalCursor } from './approval-cursor.js';

@Injectable()
export class ListApprovalsHandler implements CommandHandler<typeof listApprovals> {
  constructor(private readonly orchestrator: Orchestrator) {}

  async handle(
    { limit, cursor, status, runId }: RequestOf<typeof listApprovals>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof listApprovals>> {
    const after = cursor === undefined ? null : readApprovalCursor(cursor);
    const found = await this.orchestrator.approvals.list(tenantId, { status, runId }, after, limit + 1);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const more = found.length > limit && last !== undefined;
    return { items, cursor: more ? writeCursor({ requestedAt: last.requestedAt, approvalId: last.id }) : null };
  }
}
