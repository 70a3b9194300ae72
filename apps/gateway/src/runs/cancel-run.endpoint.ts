import { cancelRun, routes } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type CancelRun = typeof routes.cancelRun;

@Endpoint(routes.cancelRun)
export class CancelRunEndpoint implements Serves<CancelRun> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, body, context }: RouteRequest<CancelRun>): Promise<RouteReply<CancelRun>> {
    const run = await this.commands.send(cancelRun, context, { runId: params.id, reason: body.reason });
    return { status: 200, body: run };
  }
}
