import type { ColumnType, Generated } from 'kysely';

/** The tables of the evaluation service. */
export interface EvaluationTables {
  score: {
    tenant_id: string;
    task_id: string;
    run_id: string;
    node: string;
    suite: string;
    /** 0 to 1; null where a check could not be scored. */
    score: number | null;
    passed: boolean;
    /** The whole answer of the task. */
    output: ColumnType<unknown, unknown, never>;
    created_at: Generated<Date>;
  };
}
