import { rerankTexts, routes } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type Rerank = typeof routes.rerank;

const longestCallMs = 10 * 60_000;

@Endpoint(routes.rerank)
export class RerankEndpoint implements Serves<Rerank> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ body, context, signal, http }: RouteRequest<Rerank>): Promise<RouteReply<Rerank>> {
    const call = { ...body, keyId: http.request.caller?.keyId ?? null };
    return {
      status: 200,
      body: await this.commands.send(rerankTexts, context, call, { timeoutMs: longestCallMs, signal }),
    };
  }
}
