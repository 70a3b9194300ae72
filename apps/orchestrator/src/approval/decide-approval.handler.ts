import type { Approval, decideApproval, RequestOf } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';
import { decide } from './decide-approval.js';

@Injectable()
export class DecideApprovalHandler implements CommandHandler<typeof decideApproval> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle(data: RequestOf<typeof decideApproval>, { context }: CommandMessage): Promise<Approval> {
    return decide(this.orchestrator, context, data);
  }
}
