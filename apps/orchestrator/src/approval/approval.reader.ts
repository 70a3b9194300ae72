/** Reads approvals on behalf of one tenant: rows of other tenants do not exist here. */
import type { Approval, ApprovalStatus } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { notFound } from '@millrace/kernel';
import { sql, type Selectable } from 'kysely';
import type { ApprovalTable, OrchestratorTables } from '../schema/tables.js';
import type { ApprovalCursor } from './approval-cursor.js';

export interface ApprovalFilter {
  readonly status?: ApprovalStatus | undefined;
  readonly runId?: string | undefined;
}

export class ApprovalReader {
  constructor(private readonly database: Database<OrchestratorTables>) {}

  /** One approval. @throws MillraceError `unknown_approval` */
  async get(tenantId: string, approvalId: string): Promise<Approval> {
    const row = await this.database.forTenant(tenantId, (transaction) =>
      transaction.selectFrom('approval').selectAll().where('approval_id', '=', approvalId).executeTakeFirst(),
    );
    if (row === undefined) throw notFound('unknown_approval', `There is no approval ${approvalId}.`);
    return approvalOf(row);
  }

  /** Approvals after a cursor, newest first. */
  async list(
    tenantId: string,
    filter: ApprovalFilter,
    after: ApprovalCursor | null,
    limit: number,
  ): Promise<Approval[]> {
    const rows = await this.database.forTenant(tenantId, (transaction) => {
      let query = transaction
        .selectFrom('approval')
        .selectAll()
        .orderBy('requested_at', 'desc')
        .orderBy('approval_id', 'desc');
      if (filter.status !== undefined) query = query.where('status', '=', filter.status);
      if (filter.runId !== undefined) query = query.where('run_id', '=', filter.runId);
      if (after !== null) {
        query = query.where(
          sql<boolean>`(requested_at, approval_id) < (${after.requestedAt}::timestamptz, ${after.approvalId})`,
        );
      }
      return query.limit(limit).execute();
    });
    return rows.map(approvalOf);
  }
}

const approvalOf = (row: Selectable<ApprovalTable>): Approval => ({
  id: row.approval_id,
  runId: row.run_id,
  graph: { name: row.graph_name, version: row.graph_version, digest: row.graph_digest },
  node: row.node,
  ...(row.attempt > 1 && { attempt: row.attempt }),
  status: row.status,
  title: row.title,
  context: row.context,
  assignees: row.assignees,
  form: row.form,
  requestedAt: row.requested_at.toISOString(),
  deadlineAt: row.deadline_at.toISOString(),
  decidedAt: row.decided_at?.toISOString() ?? null,
  decidedBy: row.decided_by,
  data: row.data,
});
