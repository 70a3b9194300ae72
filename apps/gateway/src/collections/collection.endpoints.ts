import { createCollection, listCollections, listDocuments, routes, searchCollection } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type CreateCollection = typeof routes.createCollection;
type ListCollections = typeof routes.listCollections;
type ListDocuments = typeof routes.listDocuments;
type SearchCollection = typeof routes.searchCollection;

@Endpoint(routes.createCollection)
export class CreateCollectionEndpoint implements Serves<CreateCollection> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ body, context }: RouteRequest<CreateCollection>): Promise<RouteReply<CreateCollection>> {
    const { collection, created } = await this.commands.send(createCollection, context, body);
    return { status: created ? 201 : 200, body: collection };
  }
}

@Endpoint(routes.listCollections)
export class ListCollectionsEndpoint implements Serves<ListCollections> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ query, context }: RouteRequest<ListCollections>): Promise<RouteReply<ListCollections>> {
    return { status: 200, body: await this.commands.send(listCollections, context, query) };
  }
}

@Endpoint(routes.listDocuments)
export class ListDocumentsEndpoint implements Serves<ListDocuments> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, query, context }: RouteRequest<ListDocuments>): Promise<RouteReply<ListDocuments>> {
    const page = await this.commands.send(listDocuments, context, { ...query, collection: params.name });
    return { status: 200, body: page };
  }
}

@Endpoint(routes.searchCollection)
export class SearchCollectionEndpoint implements Serves<SearchCollection> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, body, context }: RouteRequest<SearchCollection>): Promise<RouteReply<SearchCollection>> {
    const found = await this.commands.send(
      searchCollection,
      context,
      { ...body, collection: params.name },
      { timeoutMs: 30_000 },
    );
    return { status: 200, body: found };
  }
}
