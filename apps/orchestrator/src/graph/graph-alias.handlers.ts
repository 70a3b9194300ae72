import {
  type deleteGraphAlias,
  type GraphAlias,
  type listGraphAliases,
  type RequestOf,
  type ResponseOf,
  type setGraphAlias,
} from '@millrace/contracts';
import { notFound } from '@millrace/kernel';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { Orchestrator } from '../orchestrator.js';
import { GraphAliases } from './graph-aliases.js';

@Injectable()
export class SetGraphAliasHandler implements CommandHandler<typeof setGraphAlias> {
  constructor(
    private readonly orchestrator: Orchestrator,
    private readonly aliases: GraphAliases,
  ) {}

  /** @throws MillraceError `unknown_graph`, `too_many_aliases` */
  async handle(given: RequestOf<typeof setGraphAlias>, { tenantId }: CommandMessage): Promise<GraphAlias> {
    const { graph, version } = given;
    const found = await this.orchestrator.graphs.get(tenantId, graph, version);
    if (found === undefined) throw notFound('unknown_graph', `There is no graph ${graph}@${version}.`);
    return this.aliases.set(tenantId, given);
  }
}

@Injectable()
export class ListGraphAliasesHandler implements CommandHandler<typeof listGraphAliases> {
  constructor(private readonly aliases: GraphAliases) {}

  async handle(
    { graph }: RequestOf<typeof listGraphAliases>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof listGraphAliases>> {
    return { items: await this.aliases.list(tenantId, graph) };
  }
}

@Injectable()
export class DeleteGraphAliasHandler implements CommandHandler<typeof deleteGraphAlias> {
  constructor(private readonly aliases: GraphAliases) {}

  /** @throws MillraceError `unknown_alias` */
  async handle(
    { graph, alias }: RequestOf<typeof deleteGraphAlias>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof deleteGraphAlias>> {
    await this.aliases.delete(tenantId, graph, alias);
    return { graph, alias };
  }
}
