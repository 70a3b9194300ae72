/** A decision on an approval: one counts, and sending it again gives it again. */
import { isDeepStrictEqual } from 'node:util';
import type { Approval, decideApproval, MessageContext, RequestOf } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { Orchestrator } from '../orchestrator.js';

type DecideRequest = RequestOf<typeof decideApproval>;

/**
 * Decides, and gives the approval as it was decided.
 * @throws MillraceError `unknown_approval`, `approval_decided`, `not_an_assignee`, `invalid_form`, and as a start does
 */
export async function decide(
  { approvals, runs }: Pick<Orchestrator, 'approvals' | 'runs'>,
  context: MessageContext,
  request: DecideRequest,
): Promise<Approval> {
  const asked = await approvals.get(context.tenantId, request.approvalId);
  if (asked.status !== 'pending') return sameOrRefused(asked, request);
  const { decision, data, by } = request;
  try {
    const { runId, node, attempt } = asked;
    await runs.decide(context, { runId, node, attempt, decision, data, by });
  } catch (error) {
    const isLate = error instanceof MillraceError && error.code === 'approval_decided';
    if (!isLate) throw error;
  }
  return sameOrRefused(await approvals.get(context.tenantId, request.approvalId), request);
}

/** The approval where it was decided just so, by the same key. */
function sameOrRefused(approval: Approval, { decision, data, by }: DecideRequest): Approval {
  const outcome = decision === 'approve' ? 'approved' : 'rejected';
  const isBySame = approval.decidedBy?.kind === 'key' && approval.decidedBy.keyId === by.keyId;
  if (isBySame && approval.status === outcome && holds(approval.data ?? {}, data)) return approval;
  const message = `This is ${approval.status} since ${approval.decidedAt ?? 'then'}: it cannot be decided again.`;
  throw new MillraceError('conflict', 'approval_decided', message);
}

/** Whether all that was sent is in what was kept, which has the form's defaults beside it. */
const holds = (kept: Readonly<Record<string, unknown>>, sent: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(sent).every(([key, value]) => isDeepStrictEqual(kept[key], value));
