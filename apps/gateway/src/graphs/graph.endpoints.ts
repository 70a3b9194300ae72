import { getGraph, listGraphs, publishGraph, routes, validateGraph } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type PublishGraph = typeof routes.publishGraph;
type ListGraphs = typeof routes.listGraphs;
type GetGraph = typeof routes.getGraph;
type ValidateGraph = typeof routes.validateGraph;

@Endpoint(routes.publishGraph)
export class PublishGraphEndpoint implements Serves<PublishGraph> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ body: source, context }: RouteRequest<PublishGraph>): Promise<RouteReply<PublishGraph>> {
    const graph = await this.commands.send(publishGraph, context, { source });
    const location = `/v1/graphs/${graph.name}?version=${graph.version}`;
    return { status: 201, body: graph, headers: { location } };
  }
}

@Endpoint(routes.listGraphs)
export class ListGraphsEndpoint implements Serves<ListGraphs> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ query, context }: RouteRequest<ListGraphs>): Promise<RouteReply<ListGraphs>> {
    return { status: 200, body: await this.commands.send(listGraphs, context, query) };
  }
}

@Endpoint(routes.getGraph)
export class GetGraphEndpoint implements Serves<GetGraph> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, query, context }: RouteRequest<GetGraph>): Promise<RouteReply<GetGraph>> {
    return { status: 200, body: await this.commands.send(getGraph, context, { ...params, ...query }) };
  }
}

@Endpoint(routes.validateGraph)
export class ValidateGraphEndpoint implements Serves<ValidateGraph> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ body: source, context }: RouteRequest<ValidateGraph>): Promise<RouteReply<ValidateGraph>> {
    return { status: 200, body: await this.commands.send(validateGraph, context, { source }) };
  }
}
