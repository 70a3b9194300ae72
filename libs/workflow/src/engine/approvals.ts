/** What readers see of approvals: follows from the events alone. */
import type { ApprovalStatus, DecidedBy, NewRunEvent, RunEventOf } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { locate } from './location.js';
import { reconciliationAssignees, reconciliationForm, reconciliationTitle } from './reconciliation.js';
import type { RunState } from './state.js';

/** An approval of a run, without the ids around it. */
export interface ApprovalView {
  /** The node's path. */
  readonly node: string;
  /** Which attempt of the node asks. */
  readonly attempt: number;
  readonly status: ApprovalStatus;
  readonly title: string;
  readonly context: JsonValue;
  readonly assignees: readonly string[];
  readonly form: JsonObject;
  readonly requestedAt: string;
  readonly deadlineAt: string;
  readonly decidedAt: string | null;
  readonly decidedBy: DecidedBy | null;
  readonly data: JsonObject | null;
}

/**
 * The approvals that events, which the state has folded, have opened or closed. `pending` are those that were open before.
 * An approval whose node no longer waits and that nobody decided is cancelled.
 */
export function changedApprovals(
  state: RunState,
  pending: Iterable<ApprovalView>,
  events: readonly NewRunEvent[],
): ApprovalView[] {
  if (state.status === 'new') return [];
  const before = new Map([...pending].map((approval) => [approvalKey(approval), approval]));
  const after = new Map(before);
  for (const event of events) {
    if (event.type === 'ApprovalRequested') {
      const { deadlineAt, attempt = 1, ...data } = event.data;
      const form = formOf(state, data.node);
      const asked = { ...data, attempt, status: 'pending', form, requestedAt: event.at, deadlineAt } as const;
      after.set(approvalKey(asked), { ...asked, decidedAt: null, decidedBy: null, data: null });
    } else if (event.type === 'EffectUncertain') {
      const asked = reconciliationOf(event);
      after.set(approvalKey(asked), asked);
    } else if (event.type === 'ApprovalDecided') {
      const { node, attempt = 1, outcome, by, data } = event.data;
      const key = approvalKey({ node, attempt });
      const asked = after.get(key);
      if (asked) after.set(key, { ...asked, status: outcome, decidedAt: event.at, decidedBy: by, data });
    }
  }
  const at = events.at(-1)?.at ?? null;
  return [...after.values()]
    .map((approval): ApprovalView => {
      const isOver = approval.status === 'pending' && !waits(state, approval);
      return isOver ? { ...approval, status: 'cancelled', decidedAt: at } : approval;
    })
    .filter((approval) => before.get(approvalKey(approval)) !== approval);
}

/** Names an approval among those of its run. */
export const approvalKey = ({ node, attempt }: Pick<ApprovalView, 'node' | 'attempt'>): string => `${attempt}:${node}`;

function waits(state: Exclude<RunState, { status: 'new' }>, { node, attempt }: ApprovalView): boolean {
  const waiting = state.status === 'running' ? state.nodes.get(node) : undefined;
  return waiting?.status === 'running' && waiting.attempt === attempt;
}

/** What is asked about an effect of which nobody knows whether it happened. */
function reconciliationOf({
  at,
  data: { node, attempt, error, deadlineAt },
}: RunEventOf<'EffectUncertain'>): ApprovalView {
  const { kind, code, message } = error;
  return {
    ...{
      node,
      attempt,
      status: 'pending',
      title: reconciliationTitle(node),
      context: { error: { kind, code, message } },
    },
    ...{ assignees: reconciliationAssignees, form: reconciliationForm, requestedAt: at, deadlineAt },
    ...{ decidedAt: null, decidedBy: null, data: null },
  };
}

function formOf(state: Exclude<RunState, { status: 'new' }>, path: string): JsonObject {
  const node = locate(state, path)?.node;
  return node?.kind === 'approval' ? node.form : { type: 'object' };
}
