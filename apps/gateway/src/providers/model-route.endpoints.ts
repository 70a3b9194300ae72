import {
  deleteModelRoute,
  getModelRoute,
  listModelRoutes,
  listPrices,
  putModelRoute,
  routes,
  setPrices,
} from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type List = typeof routes.listModelRoutes;
type Get = typeof routes.getModelRoute;
type Put = typeof routes.putModelRoute;
type Delete = typeof routes.deleteModelRoute;
type Prices = typeof routes.listPrices;
type SetPrices = typeof routes.setPrices;

@Endpoint(routes.listModelRoutes)
export class ListModelRoutesEndpoint implements Serves<List> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ context }: RouteRequest<List>): Promise<RouteReply<List>> {
    return { status: 200, body: await this.commands.send(listModelRoutes, context, {}) };
  }
}

@Endpoint(routes.getModelRoute)
export class GetModelRouteEndpoint implements Serves<Get> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, context }: RouteRequest<Get>): Promise<RouteReply<Get>> {
    return { status: 200, body: await this.commands.send(getModelRoute, context, params) };
  }
}

@Endpoint(routes.putModelRoute)
export class PutModelRouteEndpoint implements Serves<Put> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, body, context }: RouteRequest<Put>): Promise<RouteReply<Put>> {
    return { status: 200, body: await this.commands.send(putModelRoute, context, { ...body, ...params }) };
  }
}

@Endpoint(routes.deleteModelRoute)
export class DeleteModelRouteEndpoint implements Serves<Delete> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, context }: RouteRequest<Delete>): Promise<RouteReply<Delete>> {
    return { status: 200, body: await this.commands.send(deleteModelRoute, context, params) };
  }
}

@Endpoint(routes.listPrices)
export class ListPricesEndpoint implements Serves<Prices> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ context }: RouteRequest<Prices>): Promise<RouteReply<Prices>> {
    return { status: 200, body: await this.commands.send(listPrices, context, {}) };
  }
}

@Endpoint(routes.setPrices)
export class SetPricesEndpoint implements Serves<SetPrices> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ body, context }: RouteRequest<SetPrices>): Promise<RouteReply<SetPrices>> {
    return { status: 200, body: await this.commands.send(setPrices, context, body) };
  }
}
