import { type CallUsage, llmTask, type OutputOf, type Usage } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { DATABASE, type ServiceDatabase } from '@millrace/service';
import type { Task, TaskResultOf } from '@millrace/worker';
import { Inject, Injectable } from '@nestjs/common';
import type { Transaction } from 'kysely';
import type { LlmProviderTables } from '../schema/tables.js';

type RecordedCompletion = Required<TaskResultOf<OutputOf<typeof llmTask>>>;

/** Every completion under the id of its task, so that a task that is delivered again is answered without calling the model. */
@Injectable()
export class CompletionLedger {
  constructor(@Inject(DATABASE) private readonly database: ServiceDatabase<LlmProviderTables>) {}

  /** What was recorded for a task, if anything. */
  find({ tenantId, taskId }: Task): Promise<RecordedCompletion | undefined> {
    return this.database.forTenant(tenantId, (transaction) => select(transaction, tenantId, taskId));
  }

  /** Records a call that was answered, or broke off after something was written. */
  async recordCall({ tenantId, callId, keyId, model, output, usage }: RecordedCall): Promise<void> {
    const { promptTokens, completionTokens, cachedPromptTokens, costUsd } = usage;
    const row = {
      tenant_id: tenantId,
      task_id: callId,
      run_id: '',
      node: '',
      model,
      prompt: null,
      output: JSON.stringify(output),
      prompt_tokens: promptTokens,
      cached_prompt_tokens: cachedPromptTokens,
      completion_tokens: completionTokens,
      cost_usd: costUsd,
      key_id: keyId,
    };
    await this.database.asServiceStatement((database) =>
      database
        .insertInto('completion')
        .values(row)
        .onConflict((conflict) => conflict.columns(['tenant_id', 'task_id']).doNothing()),
    );
  }

  /**
   * Records a completion. Where another delivery of the task was first, its completion stands and is given back: what a
   * run is told is what the ledger holds.
   */
  record(
    task: Task,
    prompt: string | null,
    { output, usage }: RecordedCompletion,
    cachedPromptTokens = 0,
  ): Promise<RecordedCompletion> {
    const { tenantId, taskId, runId, node } = task;
    return this.database.forTenant(tenantId, async (transaction) => {
      const inserted = await transaction
        .insertInto('completion')
        .values({
          tenant_id: tenantId,
          task_id: taskId,
          run_id: runId,
          node,
          model: output.model,
          prompt,
          output: JSON.stringify(output),
          prompt_tokens: usage.promptTokens,
          completion_tokens: usage.completionTokens,
          cached_prompt_tokens: cachedPromptTokens,
          cost_usd: usage.costUsd,
        })
        .onConflict((conflict) => conflict.columns(['tenant_id', 'task_id']).doNothing())
        .executeTakeFirst();
      if (inserted.numInsertedOrUpdatedRows === 1n) return { output, usage };
      const first = await select(transaction, tenantId, taskId);
      if (!first) throw new Error(`The completion of the task ${taskId} is neither new nor there.`);
      return first;
    });
  }
}

/** A call from outside of runs: recorded as a completion of its own, under its id. */
export interface RecordedCall {
  readonly tenantId: string;
  readonly callId: string;
  readonly keyId: string | null;
  readonly model: string;
  readonly output: JsonObject;
  readonly usage: CallUsage;
}

async function select(
  transaction: Transaction<LlmProviderTables>,
  tenantId: string,
  taskId: string,
): Promise<RecordedCompletion | undefined> {
  const row = await transaction
    .selectFrom('completion')
    .select(['output', 'prompt_tokens', 'completion_tokens', 'cost_usd'])
    .where('tenant_id', '=', tenantId)
    .where('task_id', '=', taskId)
    .executeTakeFirst();
  return row && { output: llmTask.output.parse(row.output), usage: usageOf(row) };
}

const usageOf = (row: { prompt_tokens: number; completion_tokens: number; cost_usd: number }): Usage => ({
  promptTokens: row.prompt_tokens,
  completionTokens: row.completion_tokens,
  costUsd: row.cost_usd,
});
