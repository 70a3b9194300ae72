import { removeRun, routes } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type DeleteRun = typeof routes.deleteRun;

@Endpoint(routes.deleteRun)
export class DeleteRunEndpoint implements Serves<DeleteRun> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, context }: RouteRequest<DeleteRun>): Promise<RouteReply<DeleteRun>> {
    return { status: 200, body: await this.commands.send(removeRun, context, { runId: params.id }) };
  }
}
