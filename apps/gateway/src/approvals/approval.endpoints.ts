import { decideApproval, getApproval, listApprovals, routes } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type ListApprovals = typeof routes.listApprovals;
type GetApproval = typeof routes.getApproval;
type DecideApproval = typeof routes.decideApproval;

@Endpoint(routes.listApprovals)
export class ListApprovalsEndpoint implements Serves<ListApprovals> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ query, context }: RouteRequest<ListApprovals>): Promise<RouteReply<ListApprovals>> {
    const { run: runId, ...rest } = query;
    return { status: 200, body: await this.commands.send(listApprovals, context, { ...rest, runId }) };
  }
}

@Endpoint(routes.getApproval)
export class GetApprovalEndpoint implements Serves<GetApproval> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, context }: RouteRequest<GetApproval>): Promise<RouteReply<GetApproval>> {
    return { status: 200, body: await this.commands.send(getApproval, context, { approvalId: params.id }) };
  }
}

@Endpoint(routes.decideApproval)
export class DecideApprovalEndpoint implements Serves<DecideApproval> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, body, context, http }: RouteRequest<DecideApproval>): Promise<RouteReply<DecideApproval>> {
    const { caller } = http.request;
    if (caller === null) throw new MillraceError('unauthenticated', 'missing_api_key', 'A decision needs an API key.');
    const by = { keyId: caller.keyId, role: caller.role };
    const request = { approvalId: params.id, decision: body.decision, data: body.data, by };
    return { status: 200, body: await this.commands.send(decideApproval, context, request) };
  }
}
