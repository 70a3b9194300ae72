import { evaluateTask, type OutputOf } from '@millrace/contracts';
import { jsonb } from '@millrace/database';
import { DATABASE, type ServiceDatabase } from '@millrace/service';
import type { Task } from '@millrace/worker';
import { Inject, Injectable } from '@nestjs/common';
import type { EvaluationTables } from '../schema/tables.js';

type EvaluateOutput = OutputOf<typeof evaluateTask>;

/** The recorded scores, one row per task. */
@Injectable()
export class ScoreStore {
  constructor(@Inject(DATABASE) private readonly database: ServiceDatabase<EvaluationTables>) {}

  /** What was recorded for a task, if anything. */
  find(tenantId: string, taskId: string): Promise<EvaluateOutput | undefined> {
    return this.database.forTenant(tenantId, async (transaction) => {
      const row = await transaction
        .selectFrom('score')
        .select('output')
        .where('tenant_id', '=', tenantId)
        .where('task_id', '=', taskId)
        .executeTakeFirst();
      return row && evaluateTask.output.parse(row.output);
    });
  }

  /** Records the scores of a task; where another delivery was first, gives what that one recorded. */
  record(task: Task, suite: string, output: EvaluateOutput): Promise<EvaluateOutput> {
    return this.database.forTenant(task.tenantId, async (transaction) => {
      const { tenantId, taskId, runId, node } = task;
      const row = await transaction
        .insertInto('score')
        .values({
          tenant_id: tenantId,
          task_id: taskId,
          run_id: runId,
          node,
          suite,
          score: output.score,
          passed: output.passed,
          output: jsonb<unknown>(output),
        })
        .onConflict((conflict) =>
          // A no-op update, so that the row that was first is returned.
          conflict.columns(['tenant_id', 'task_id']).doUpdateSet((set) => ({ task_id: set.ref('score.task_id') })),
        )
        .returning('output')
        .executeTakeFirstOrThrow();
      return evaluateTask.output.parse(row.output);
    });
  }
}
