import { routes, signalRun } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type SignalRun = typeof routes.signalRun;

@Endpoint(routes.signalRun)
export class SignalRunEndpoint implements Serves<SignalRun> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, headers, body, context }: RouteRequest<SignalRun>): Promise<RouteReply<SignalRun>> {
    const id = headers['idempotency-key'] ?? newId('signal');
    const signal = { runId: params.id, id, name: params.name, data: body.data };
    return { status: 200, body: await this.commands.send(signalRun, context, signal) };
  }
}
