import { listBudgets, readUsage, routes, setBudget } from '@millrace/contracts';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type ReadUsage = typeof routes.readUsage;
type ListBudgets = typeof routes.listBudgets;
type SetBudget = typeof routes.setBudget;

@Endpoint(routes.readUsage)
export class ReadUsageEndpoint implements Serves<ReadUsage> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ query, context }: RouteRequest<ReadUsage>): Promise<RouteReply<ReadUsage>> {
    return { status: 200, body: await this.commands.send(readUsage, context, query) };
  }
}

@Endpoint(routes.listBudgets)
export class ListBudgetsEndpoint implements Serves<ListBudgets> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ context }: RouteRequest<ListBudgets>): Promise<RouteReply<ListBudgets>> {
    return { status: 200, body: await this.commands.send(listBudgets, context, {}) };
  }
}

@Endpoint(routes.setBudget)
export class SetBudgetEndpoint implements Serves<SetBudget> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ body, context }: RouteRequest<SetBudget>): Promise<RouteReply<SetBudget>> {
    return { status: 200, body: await this.commands.send(setBudget, context, body) };
  }
}
