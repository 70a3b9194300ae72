import { deleteGraphAlias, listGraphAliases, routes, setGraphAlias } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type Set = typeof routes.setGraphAlias;
type List = typeof routes.listGraphAliases;
type Delete = typeof routes.deleteGraphAlias;

@Endpoint(routes.setGraphAlias)
export class SetGraphAliasEndpoint implements Serves<Set> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params: { name, alias }, body, context }: RouteRequest<Set>): Promise<RouteReply<Set>> {
    const reply = await this.commands.send(setGraphAlias, context, { graph: name, alias, version: body.version });
    return { status: 200, body: reply };
  }
}

@Endpoint(routes.listGraphAliases)
export class ListGraphAliasesEndpoint implements Serves<List> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params: { name }, context }: RouteRequest<List>): Promise<RouteReply<List>> {
    return { status: 200, body: await this.commands.send(listGraphAliases, context, { graph: name }) };
  }
}

@Endpoint(routes.deleteGraphAlias)
export class DeleteGraphAliasEndpoint implements Serves<Delete> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params: { name, alias }, context }: RouteRequest<Delete>): Promise<RouteReply<Delete>> {
    return { status: 200, body: await this.commands.send(deleteGraphAlias, context, { graph: name, alias }) };
  }
}
