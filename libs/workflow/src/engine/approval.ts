/** Approvals: somebody decides, once, or the deadline does. */
import type { DecidedBy } from '@millrace/contracts';
import { invalidInput, MillraceError, type JsonObject } from '@millrace/kernel';
import type { CompiledApproval } from '../compile/compiled-graph.js';
import { assigneeHint, isAssignee, mayDecide } from '../document/assignee.js';
import { limits } from '../limits.js';
import { checkAgainst } from './check-input.js';
import { record, running, type Decision } from './decision.js';
import { completeNode, failNode } from './end.js';
import { wrongType } from './failure.js';
import { locate, type Location } from './location.js';
import type { RunMessage } from './messages.js';
import type { RunningRun } from './state.js';
import { resolveIn } from './variables.js';

type DecisionMessage = Extract<RunMessage, { type: 'decision' }>;

/** Asks for a decision. @throws MillraceError `invalid_approval`, or of an expression */
export function beginApproval(
  decision: Decision,
  state: RunningRun,
  { path, frame }: Location,
  node: CompiledApproval,
): void {
  const [title, context, assignees] = [node.title, node.with, node.assignees].map((template) =>
    resolveIn(state, frame, template, decision.meter),
  );
  if (typeof title !== 'string' || title === '' || title.length > limits.titleLength)
    throw wrongType('invalid_approval', `The title must be a text of 1 to ${limits.titleLength} characters.`);
  if (JSON.stringify(context).length > limits.contextLength)
    throw wrongType('invalid_approval', `What is shown takes at most ${limits.contextLength} characters as JSON.`);
  if (!isAssigneeList(assignees)) throw wrongType('invalid_approval', `Each assignee ${assigneeHint}.`);
  const deadlineAt = new Date(Date.parse(decision.now) + node.timeoutMs).toISOString();
  const data = { node: path, title, context: context ?? null, assignees, deadlineAt, ...askingAttempt(decision, path) };
  record(decision, { type: 'ApprovalRequested', at: decision.now, data });
}

/** Which attempt asks, where it is not the first. */
export function askingAttempt(decision: Decision, path: string): { attempt?: number } {
  const node = running(decision)?.nodes.get(path);
  return node?.status === 'running' && node.attempt > 1 ? { attempt: node.attempt } : {};
}

const isAssigneeList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((assignee) => typeof assignee === 'string' && isAssignee(assignee));

/** The node that a decision is for, while it waits for one. */
function pendingAt(state: RunningRun, path: string): PendingApproval | null {
  const waiting = state.nodes.get(path);
  const node = locate(state, path)?.node;
  if (waiting?.status !== 'running' || waiting.progress?.kind !== 'approval' || node?.kind !== 'approval') return null;
  return { node, attempt: waiting.attempt, assignees: waiting.progress.assignees };
}

interface PendingApproval {
  readonly node: CompiledApproval;
  readonly attempt: number;
  readonly assignees: readonly string[];
}

/** Why a decision is refused, or null. */
export function refusalOfDecision(
  state: RunningRun,
  { node: path, attempt, by, data }: DecisionMessage,
): MillraceError | null {
  const pending = pendingAt(state, path);
  if (pending?.attempt !== attempt)
    return new MillraceError('conflict', 'approval_decided', 'This has been decided already.');
  if (!mayDecide(pending.assignees, by)) {
    const message = `Only these may decide: ${pending.assignees.join(', ')}. Your key ${by.keyId} has the role ${by.role}.`;
    return new MillraceError('forbidden', 'not_an_assignee', message);
  }
  return refusalOfForm(checkAgainst(pending.node.formSchema, data));
}

/** Why the data of a decision is refused, or null. */
export function refusalOfForm(checked: ReturnType<typeof checkAgainst>): MillraceError | null {
  if (!('violations' in checked)) return null;
  const violations = checked.violations.map(({ pointer, message }) => ({ pointer: `/data${pointer}`, message }));
  return invalidInput('invalid_form', 'The data does not fit the form of the approval.', violations);
}

/** Takes a decision that is not refused. */
export function decideApproval(decision: Decision, state: RunningRun, message: DecisionMessage): void {
  const pending = pendingAt(state, message.node);
  if (pending === null) return;
  const checked = checkAgainst(pending.node.formSchema, message.data);
  const data = 'input' in checked ? checked.input : message.data;
  const by = { kind: 'key', ...message.by } as const;
  const outcome = message.decision === 'approve' ? 'approved' : 'rejected';
  conclude(decision, message.node, pending.node, { outcome, by, data });
}

/** The deadline of an approval has come. */
export function expireApproval(decision: Decision, path: string): void {
  const state = running(decision);
  const node = state && pendingAt(state, path)?.node;
  if (!node) return;
  const outcome = ({ approve: 'approved', reject: 'rejected', fail: 'expired' } as const)[node.onTimeout];
  conclude(decision, path, node, { outcome, by: { kind: 'deadline' }, data: null });
}

interface Conclusion {
  readonly outcome: 'approved' | 'rejected' | 'expired';
  readonly by: DecidedBy;
  readonly data: JsonObject | null;
}

function conclude(decision: Decision, path: string, node: CompiledApproval, conclusion: Conclusion): void {
  const { outcome, by, data } = conclusion;
  record(decision, {
    type: 'ApprovalDecided',
    at: decision.now,
    data: { node: path, outcome, by, data, ...askingAttempt(decision, path) },
  });
  if (outcome === 'expired') {
    const error = refused('approval_expired', 'Nobody decided before the deadline.');
    failNode(decision, path, error, { goto: node.timeoutTarget });
  } else if (outcome === 'rejected' && !node.continueOnReject) {
    const who = by.kind === 'key' ? `the key ${by.keyId}` : 'the deadline';
    failNode(decision, path, refused('approval_rejected', `It was rejected by ${who}.`));
  } else {
    const who = by.kind === 'key' ? by.keyId : by.kind;
    completeNode(decision, path, { decision: outcome, data: data ?? {}, by: who, decidedAt: decision.now });
  }
}

const refused = (code: string, message: string) =>
  new MillraceError('forbidden', code, message, { retryable: false }).toShape();
