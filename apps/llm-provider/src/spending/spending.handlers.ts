import { listBudgets, readUsage, setBudget, type RequestOf, type ResponseOf } from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { Budgets } from './budgets.js';
import { UsageReader } from './usage.reader.js';

@Injectable()
export class SetBudgetHandler implements CommandHandler<typeof setBudget> {
  constructor(@Inject(Budgets) private readonly budgets: Budgets) {}

  async handle(
    budget: RequestOf<typeof setBudget>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof setBudget>> {
    return { items: [...(await this.budgets.set(tenantId, budget))] };
  }
}

@Injectable()
export class ListBudgetsHandler implements CommandHandler<typeof listBudgets> {
  constructor(@Inject(Budgets) private readonly budgets: Budgets) {}

  async handle(
    _: RequestOf<typeof listBudgets>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof listBudgets>> {
    return { items: [...(await this.budgets.list(tenantId))] };
  }
}

@Injectable()
export class ReadUsageHandler implements CommandHandler<typeof readUsage> {
  constructor(@Inject(UsageReader) private readonly usage: UsageReader) {}

  async handle(
    query: RequestOf<typeof readUsage>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof readUsage>> {
    return { items: [...(await this.usage.read(tenantId, query))] };
  }
}
