import { deleteProvider, listProviders, putProvider, routes } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type PutProvider = typeof routes.putProvider;
type ListProviders = typeof routes.listProviders;
type DeleteProvider = typeof routes.deleteProvider;

@Endpoint(routes.putProvider)
export class PutProviderEndpoint implements Serves<PutProvider> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ body, context }: RouteRequest<PutProvider>): Promise<RouteReply<PutProvider>> {
    return { status: 200, body: await this.commands.send(putProvider, context, body) };
  }
}

@Endpoint(routes.listProviders)
export class ListProvidersEndpoint implements Serves<ListProviders> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ context }: RouteRequest<ListProviders>): Promise<RouteReply<ListProviders>> {
    return { status: 200, body: await this.commands.send(listProviders, context, {}) };
  }
}

@Endpoint(routes.deleteProvider)
export class DeleteProviderEndpoint implements Serves<DeleteProvider> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, context }: RouteRequest<DeleteProvider>): Promise<RouteReply<DeleteProvider>> {
    return { status: 200, body: await this.commands.send(deleteProvider, context, params) };
  }
}
