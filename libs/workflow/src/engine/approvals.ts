/** What readers see of approvals: follows from the events alone. */
import type { ApprovalStatus, DecidedBy, NewRunEvent } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { locate } from './location.js';
import type { RunState } from './state.js';

/** An approval of a run, without the ids around it. */
export interface ApprovalView {
  /** The node's path. */
  readonly node: string;
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
  const before = new Map([...pending].map((approval) => [approval.node, approval]));
  const after = new Map(before);
  for (const event of events) {
    if (event.type === 'ApprovalRequested') {
      const { deadlineAt, ...data } = event.data;
      const form = formOf(state, data.node);
      const decided = { decidedAt: null, decidedBy: null, data: null };
      after.set(data.node, { ...data, status: 'pending', form, requestedAt: event.at, deadlineAt, ...decided });
    } else if (event.type === 'ApprovalDecided') {
      const { node, outcome, by, data } = event.data;
      const asked = after.get(node);
      if (asked) after.set(node, { ...asked, status: outcome, decidedAt: event.at, decidedBy: by, data });
    }
  }
  const at = events.at(-1)?.at ?? null;
  return [...after.values()]
    .map((approval): ApprovalView => {
      const isOver = approval.status === 'pending' && !waits(state, approval.node);
      return isOver ? { ...approval, status: 'cancelled', decidedAt: at } : approval;
    })
    .filter((approval) => before.get(approval.node) !== approval);
}

const waits = (state: Exclude<RunState, { status: 'new' }>, node: string): boolean =>
  state.status === 'running' && state.nodes.get(node)?.status === 'running';

function formOf(state: Exclude<RunState, { status: 'new' }>, path: string): JsonObject {
  const node = locate(state, path)?.node;
  return node?.kind === 'approval' ? node.form : { type: 'object' };
}
