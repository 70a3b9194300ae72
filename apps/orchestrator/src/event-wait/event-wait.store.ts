/** Reads who waits for events. The rows are written and removed with the batch that decides about them. */
import type { Database } from '@millrace/database';
import type { EventWait } from '@millrace/workflow';
import type { RunKey } from '../run/hot-run.js';
import type { OrchestratorTables } from '../schema/tables.js';

/** A place in the stream of events: everything up to a sequence has passed. */
export interface EventPosition {
  /** The stream's identity; '' where it was never known. */
  readonly stream: string;
  readonly after: number;
}

/** A node of a run that waits for the events behind a position. */
export interface StoredEventWait {
  readonly key: RunKey;
  readonly wait: EventWait;
  readonly position: EventPosition;
}

export class EventWaitStore {
  constructor(private readonly database: Database<OrchestratorTables>) {}

  /** Everybody of the partitions who waits for an event. */
  async ofPartitions(partitions: readonly number[]): Promise<StoredEventWait[]> {
    if (partitions.length === 0) return [];
    const rows = await this.database.asService((transaction) =>
      transaction
        .selectFrom('event_wait')
        .selectAll()
        .where('partition', 'in', [...partitions])
        .execute(),
    );
    return rows.map(
      ({ tenant_id: tenantId, run_id: runId, partition, node, attempt, subject, stream, after_sequence }) => ({
        key: { tenantId, runId, partition },
        wait: { node, attempt, subject },
        position: { stream, after: after_sequence },
      }),
    );
  }
}
