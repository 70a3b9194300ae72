/** Reads runs on behalf of one tenant: rows of other tenants do not exist here. */
import {
  partitionOf,
  terminalStatuses,
  type Run,
  type RunEvent,
  type RunStatus,
  type RunSummary,
} from '@millrace/contracts';
import type { Database } from '@millrace/database';
import type { JsonObject, MillraceError } from '@millrace/kernel';
import { sql, type Selectable, type Transaction } from 'kysely';
import type { GraphLibrary } from '../graph/graph-library.js';
import type { OrchestratorTables, RunEventTable, RunTable } from '../schema/tables.js';
import { foldRun, runOf } from './hot-run.js';
import { graphsOfRun } from './run-graphs.js';
import type { RunCursor } from './run-cursor.js';
import { removedRun, unknownRun } from './unknown-run.js';

/** A stored event as the outside sees it. */
export interface ListedEvent {
  readonly position: number;
  readonly type: string;
  readonly at: string;
  readonly data: JsonObject;
}

export interface RunFilter {
  readonly status?: RunStatus | undefined;
  readonly graph?: string | undefined;
  readonly thread?: string | undefined;
}

type RunRow = Selectable<RunTable>;
type EventRow = Selectable<RunEventTable>;

export class RunReader {
  constructor(
    private readonly database: Database<OrchestratorTables>,
    private readonly graphs: GraphLibrary,
  ) {}

  /**
   * One run; the steps of a run that goes on are folded from its events.
   * @throws MillraceError `unknown_run`
   */
  async get(tenantId: string, runId: string): Promise<Run> {
    const { row, events } = await this.database.forTenant(tenantId, async (transaction) => {
      const found = await transaction.selectFrom('run').selectAll().where('run_id', '=', runId).executeTakeFirst();
      if (found === undefined) throw await absence(transaction, runId);
      if (found.steps !== null) return { row: found, events: [] };
      const stored = await transaction
        .selectFrom('run_event')
        .selectAll()
        .where('run_id', '=', runId)
        .orderBy('position')
        .execute();
      return { row: found, events: stored };
    });
    if (row.steps !== null) return { ...summaryOf(row), input: row.input, output: row.output, steps: row.steps };
    const identity = { name: row.graph_name, version: row.graph_version, digest: row.graph_digest };
    const stored = events.map((event) => listedEventOf(event) as RunEvent);
    const graphs = await graphsOfRun((wanted) => this.graphs.ofRun(tenantId, wanted), identity, stored);
    if (graphs === null) throw new Error(`The graph version of run ${runId} is not stored.`);
    const key = { tenantId, runId, partition: partitionOf(runId) };
    return runOf(foldRun(key, graphs, stored));
  }

  /** Why there is no such run: there never was, or it was removed. */
  async absence(tenantId: string, runId: string): Promise<MillraceError> {
    return await this.database.forTenant(tenantId, (transaction) => absence(transaction, runId));
  }

  /** Whether a run took a signal of this id. */
  async hasSignal(tenantId: string, runId: string, id: string): Promise<boolean> {
    const found = await this.database.forTenant(tenantId, (transaction) =>
      transaction
        .selectFrom('run_event')
        .select('position')
        .where('run_id', '=', runId)
        .where('type', '=', 'SignalReceived')
        .where(sql<boolean>`data ->> 'id' = ${id}`)
        .executeTakeFirst(),
    );
    return found !== undefined;
  }

  /** Runs after a cursor, newest first. */
  async list(tenantId: string, filter: RunFilter, after: RunCursor | null, limit: number): Promise<RunSummary[]> {
    const rows = await this.database.forTenant(tenantId, (transaction) => {
      let query = transaction.selectFrom('run').selectAll().orderBy('created_at', 'desc').orderBy('run_id', 'desc');
      if (filter.status !== undefined) query = query.where('status', '=', filter.status);
      if (filter.graph !== undefined) query = query.where('graph_name', '=', filter.graph);
      if (filter.thread !== undefined) query = query.where('thread_id', '=', filter.thread);
      if (after !== null) {
        query = query.where(sql<boolean>`(created_at, run_id) < (${after.createdAt}::timestamptz, ${after.runId})`);
      }
      return query.limit(limit).execute();
    });
    return rows.map(summaryOf);
  }

  /**
   * A run's events after a position, in order, and whether no more will follow.
   * @throws MillraceError `unknown_run`
   */
  async events(
    tenantId: string,
    runId: string,
    page: { readonly after: number; readonly limit: number },
  ): Promise<{ events: ListedEvent[]; done: boolean }> {
    return await this.database.forTenant(tenantId, async (transaction) => {
      const rows = await transaction
        .selectFrom('run_event')
        .selectAll()
        .where('run_id', '=', runId)
        .where('position', '>', page.after)
        .orderBy('position')
        .limit(page.limit)
        .execute();
      // After the events, so that a run which ends meanwhile is not taken for one of which all events were read.
      const run = await transaction
        .selectFrom('run')
        .select(['status', 'last_position'])
        .where('run_id', '=', runId)
        .executeTakeFirst();
      if (run === undefined) throw await absence(transaction, runId);
      const reached = rows.at(-1)?.position ?? page.after;
      return {
        events: rows.map(listedEventOf),
        done: terminalStatuses.has(run.status) && reached >= run.last_position,
      };
    });
  }
}

async function absence(transaction: Transaction<OrchestratorTables>, runId: string): Promise<MillraceError> {
  const mark = await transaction
    .selectFrom('removed_run')
    .select('removed_at')
    .where('run_id', '=', runId)
    .executeTakeFirst();
  return mark === undefined ? unknownRun(runId) : removedRun(runId, mark.removed_at);
}

const listedEventOf = ({ position, type, at, data }: EventRow): ListedEvent => ({
  position,
  type,
  at: at.toISOString(),
  data,
});

const summaryOf = (row: RunRow): RunSummary => ({
  id: row.run_id,
  graph: { name: row.graph_name, version: row.graph_version, digest: row.graph_digest },
  ...(row.thread_id !== null && { thread: row.thread_id }),
  status: row.status,
  error: row.error,
  createdAt: row.created_at.toISOString(),
  startedAt: row.started_at?.toISOString() ?? null,
  finishedAt: row.finished_at?.toISOString() ?? null,
  usage: row.usage,
});
