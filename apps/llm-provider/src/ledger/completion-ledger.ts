/**
 * Every completion under the id of its task, so that a task that is delivered again is answered without calling the model, and every
 * other attempt that cost something under an id of its own.
 *
 * 1. What the rows of a tenant cost together is what its budgets count as spent: both are written in one statement.
 * 2. A completion replaces the holds of its attempts. What a hold was counted for as lost is taken back when its cost is known.
 */
import { type CallUsage, llmTask, type OutputOf, type Usage } from '@millrace/contracts';
import { type JsonObject, newId } from '@millrace/kernel';
import { DATABASE, type ServiceDatabase } from '@millrace/service';
import type { Task, TaskResultOf } from '@millrace/worker';
import { Inject, Injectable } from '@nestjs/common';
import type { LedgerOutcome, LlmProviderTables } from '../schema/tables.js';
import type { CallAccount, Charge } from '../spending/call-account.js';
import { usdOf } from '../spending/money.js';
import { AccountBook } from '../spending/account-book.js';
import type { LedgerRow } from '../spending/account-book.statement.js';
import { takeBackLost } from './take-back-lost.js';

type RecordedCompletion = Required<TaskResultOf<OutputOf<typeof llmTask>>>;

@Injectable()
export class CompletionLedger {
  constructor(
    @Inject(DATABASE) private readonly database: ServiceDatabase<LlmProviderTables>,
    @Inject(AccountBook) private readonly book: AccountBook,
  ) {}

  /** What was recorded for a task, if anything. */
  async find({ tenantId, taskId }: Pick<Task, 'tenantId' | 'taskId'>): Promise<RecordedCompletion | undefined> {
    const row = await this.database.forTenant(tenantId, (transaction) =>
      transaction
        .selectFrom('completion')
        .select(['output', 'prompt_tokens', 'completion_tokens', 'cost_usd'])
        .where('tenant_id', '=', tenantId)
        .where('task_id', '=', taskId)
        .executeTakeFirst(),
    );
    return row && { output: llmTask.output.parse(row.output), usage: usageOf(row) };
  }

  /** Records a call from outside of runs that was answered. */
  async recordCall(account: CallAccount, model: string, output: JsonObject, usage: CallUsage): Promise<void> {
    const charges = account.take();
    await this.write(rowOf(account, account.callId, model, null, output, usage, 'completed'), account, charges);
  }

  /**
   * Records a completion. Where another delivery of the task was first, its completion stands and is given back: what a
   * run is told is what the ledger holds.
   */
  async record(
    account: CallAccount,
    prompt: string | null,
    { output, usage }: RecordedCompletion,
    cachedPromptTokens = 0,
  ): Promise<RecordedCompletion> {
    const { tenantId, callId } = account;
    const charges = account.take();
    const counts = { ...usage, cachedPromptTokens };
    const row = rowOf(account, callId, output.model, prompt, output, counts, 'completed');
    if (await this.write(row, account, charges)) return { output, usage };
    const first = await this.find({ tenantId, taskId: callId });
    if (!first) throw new Error(`The completion of the task ${callId} is neither new nor there.`);
    return first;
  }

  /** Settles an attempt that failed; what it cost is a row of its own. */
  async recordFailure(
    account: CallAccount,
    charge: Charge,
    { id, code, text, outcome }: { id: string; code: string; text: string; outcome: 'failed' | 'lost' | undefined },
  ): Promise<void> {
    const output = { failed: code, call: account.callId, ...(text !== '' && { text }) };
    const usage = {
      ...charge.usage,
      cachedPromptTokens: charge.usage.cachedPromptTokens ?? 0,
      costUsd: usdOf(charge.costNano),
    };
    const row = outcome === undefined ? null : rowOf(account, id, charge.model, null, output, usage, outcome);
    await this.write(row, account, [charge]);
  }

  /** Writes down answers that nothing could be made of: they were paid for. */
  async writeOff(account: CallAccount, code: string): Promise<void> {
    for (const charge of account.take()) {
      const id = charge.hold?.id ?? newId('attempt');
      await this.recordFailure(account, charge, { id, code, text: '', outcome: 'failed' });
    }
  }

  /** @returns whether there was no row of this id */
  private async write(row: LedgerRow | null, account: CallAccount, charges: readonly Charge[]): Promise<boolean> {
    const costNano = charges.reduce((sum, charge) => sum + charge.costNano, 0);
    const holds = charges.flatMap(({ hold }) => (hold === null ? [] : [hold.id]));
    const { tenantId, keyId } = account;
    const { isNew, released } = await this.book.settle({ tenantId, keyId, row, costNano, holds });
    if (released < holds.length) await this.database.asServiceStatement(() => takeBackLost(account, holds));
    return isNew;
  }
}

function rowOf(
  { runId, node }: CallAccount,
  id: string,
  model: string,
  prompt: string | null,
  output: unknown,
  { promptTokens, completionTokens, cachedPromptTokens, costUsd }: CallUsage,
  outcome: LedgerOutcome,
): LedgerRow {
  return {
    id,
    runId,
    node,
    model,
    prompt,
    output: JSON.stringify(output),
    promptTokens,
    cachedPromptTokens,
    completionTokens,
    costUsd,
    outcome,
  };
}

const usageOf = (row: { prompt_tokens: number; completion_tokens: number; cost_usd: number }): Usage => ({
  promptTokens: row.prompt_tokens,
  completionTokens: row.completion_tokens,
  costUsd: row.cost_usd,
});
