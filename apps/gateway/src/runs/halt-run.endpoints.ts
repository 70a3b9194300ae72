import { pauseRun, resumeRun, routes } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type PauseRun = typeof routes.pauseRun;
type ResumeRun = typeof routes.resumeRun;

@Endpoint(routes.pauseRun)
export class PauseRunEndpoint implements Serves<PauseRun> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, body, context }: RouteRequest<PauseRun>): Promise<RouteReply<PauseRun>> {
    const request = { runId: params.id, reason: body.reason };
    return { status: 200, body: await this.commands.send(pauseRun, context, request) };
  }
}

@Endpoint(routes.resumeRun)
export class ResumeRunEndpoint implements Serves<ResumeRun> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, context }: RouteRequest<ResumeRun>): Promise<RouteReply<ResumeRun>> {
    return { status: 200, body: await this.commands.send(resumeRun, context, { runId: params.id }) };
  }
}
