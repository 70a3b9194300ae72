import { retryRun, routes } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type RetryRun = typeof routes.retryRun;

@Endpoint(routes.retryRun)
export class RetryRunEndpoint implements Serves<RetryRun> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, query, headers, context }: RouteRequest<RetryRun>): Promise<RouteReply<RetryRun>> {
    const id = headers['idempotency-key'] ?? newId('retry');
    const retry = { runId: params.id, id, from: query.from };
    return { status: 200, body: await this.commands.send(retryRun, context, retry) };
  }
}
