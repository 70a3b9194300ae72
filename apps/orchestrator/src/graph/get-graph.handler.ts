import type { getGraph, RequestOf, ResponseOf } from '@millrace/contracts';
import { notFound } from '@millrace/kernel';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { GraphAliases } from './graph-aliases.js';
import { Orchestrator } from '../orchestrator.js';

@Injectable()
export class GetGraphHandler implements CommandHandler<typeof getGraph> {
  constructor(
    private readonly orchestrator: Orchestrator,
    private readonly aliases: GraphAliases,
  ) {}

  /** @throws MillraceError `unknown_graph`, `unknown_alias` */
  async handle(
    { name, version: given, alias }: RequestOf<typeof getGraph>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof getGraph>> {
    const version = given ?? (alias === undefined ? undefined : await this.aliases.versionOf(tenantId, name, alias));
    const graph = await this.orchestrator.graphs.get(tenantId, name, version);
    if (graph !== undefined) return graph;
    throw notFound('unknown_graph', `There is no graph ${name}${version === undefined ? '' : `@${version}`}.`);
  }
}
