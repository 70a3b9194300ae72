/** Reads the timers that are due soon. They are written and removed with the batch that decides about them. */
import type { Database } from '@millrace/database';
import type { RunKey } from '../run/hot-run.js';
import type { OrchestratorTables } from '../schema/tables.js';
import type { Timer } from '@millrace/workflow';

export interface RunTimer {
  readonly key: RunKey;
  readonly timer: Timer;
  /** The span that set it, where one was recorded, and when. */
  readonly cause: { readonly traceparent: string; readonly at: Date } | null;
}

export class TimerStore {
  constructor(private readonly database: Database<OrchestratorTables>) {}

  /** The next timers of the partitions, those due first, up to a moment. */
  async dueUntil(partitions: readonly number[], until: Date, limit: number): Promise<RunTimer[]> {
    if (partitions.length === 0) return [];
    const rows = await this.database.asService((transaction) =>
      transaction
        .selectFrom('run_timer')
        .selectAll()
        .where('partition', 'in', [...partitions])
        .where('due_at', '<=', until)
        .orderBy('due_at')
        .limit(limit)
        .execute(),
    );
    return rows.map(({ tenant_id: tenantId, run_id: runId, partition, node, attempt, timer, due_at, ...row }) => ({
      key: { tenantId, runId, partition },
      timer: { node, attempt, timer, dueAt: due_at.toISOString() },
      cause: row.traceparent === null || row.set_at === null ? null : { traceparent: row.traceparent, at: row.set_at },
    }));
  }
}
