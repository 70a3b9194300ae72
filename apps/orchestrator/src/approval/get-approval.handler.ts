import type { Approval, getApproval, RequestOf } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';

@Injectable()
export class GetApprovalHandler implements CommandHandler<typeof getApproval> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle({ approvalId }: RequestOf<typeof getApproval>, { tenantId }: CommandMessage): Promise<Approval> {
    return this.orchestrator.approvals.get(tenantId, approvalId);
  }
}
