/** Uncertain effects: somebody says what happened. It is a decision, as of an approval: approve, it did; reject, it did not. */
import type { RunEventOf } from '@millrace/contracts';
import { MillraceError, type ErrorShape, type JsonObject } from '@millrace/kernel';
import { z } from 'zod';
import { isWorker, type CompiledWorker } from '../compile/compiled-graph.js';
import { mayDecide } from '../document/assignee.js';
import { limits } from '../limits.js';
import { askingAttempt, refusalOfForm } from './approval.js';
import { checkAgainst } from './check-input.js';
import { record, running, type Decision } from './decision.js';
import { completeWorker } from './effect.js';
import { failNode } from './end.js';
import { locate } from './location.js';
import type { RunMessage } from './messages.js';
import type { RunningNode, RunningRun } from './state.js';

type DecisionMessage = Extract<RunMessage, { type: 'decision' }>;

export const reconciliationAssignees: readonly string[] = ['role:editor'];

export const reconciliationTitle = (node: string): string =>
  `Did the effect of '${node}' happen? Approve if it did, reject if it did not.`;

/** What a decision brings: the output of an effect that happened, whether to try one again that did not. */
export const reconciliationForm: JsonObject = {
  type: 'object',
  properties: {
    output: { description: 'If it happened: the output that the node goes on with.' },
    again: { type: 'boolean', description: 'If it did not happen: whether to try again, or to fail the node.' },
  },
  additionalProperties: false,
};
const schema = z.fromJSONSchema(reconciliationForm) as z.ZodType<JsonObject>;

export interface Parked {
  readonly node: RunningNode;
  readonly worker: CompiledWorker;
  readonly error: ErrorShape;
}

/** The node of a path, where it waits for somebody to say whether its effect happened. */
export function parkedAt(state: RunningRun, path: string): Parked | null {
  const node = state.nodes.get(path);
  const worker = locate(state, path)?.node;
  if (node?.status !== 'running' || node.progress?.kind !== 'reconciliation' || !worker || !isWorker(worker))
    return null;
  return { node, worker, error: node.progress.error };
}

/** Why a decision is refused, or null. */
export function refusalOfReconciliation(
  { node }: Parked,
  { attempt, by, data }: DecisionMessage,
): MillraceError | null {
  if (node.attempt !== attempt)
    return new MillraceError('conflict', 'approval_decided', 'This has been decided already.');
  if (mayDecide(reconciliationAssignees, by)) return refusalOfForm(checkAgainst(schema, data));
  return new MillraceError('forbidden', 'not_an_assignee', 'This is for keys of the role editor or above.');
}

/** Takes what somebody found out, where that is not refused. */
export function reconcile(decision: Decision, parked: Parked, message: DecisionMessage): void {
  const { node: path, data } = message;
  const outcome = message.decision === 'approve' ? 'approved' : 'rejected';
  const by = { kind: 'key', ...message.by } as const;
  record(decision, {
    type: 'ApprovalDecided',
    at: decision.now,
    data: { node: path, ...askingAttempt(decision, path), outcome, by, data },
  });
  if (outcome === 'approved') completeWorker(decision, path, parked.worker, { output: data['output'] ?? null });
  else if (data['again'] === true && running(decision)?.ending === null) tryAgain(decision, path, parked);
  else failNode(decision, path, { ...parked.error, retryable: false });
}

function tryAgain(decision: Decision, path: string, { node, worker, error }: Parked): void {
  const { now } = decision;
  const deadlineAt = new Date(Date.parse(now) + (worker.timeoutMs ?? limits.reconciliationMs)).toISOString();
  const data = { node: path, attempt: node.attempt, error, dueAt: now, deadlineAt };
  record(decision, { type: 'NodeRetryScheduled', at: now, data });
}

/** Nobody found out in time. */
export function giveUpReconciling(decision: Decision, path: string): void {
  const data: RunEventOf<'ApprovalDecided'>['data'] = {
    ...{ node: path, ...askingAttempt(decision, path), outcome: 'expired', by: { kind: 'deadline' }, data: null },
  };
  record(decision, { type: 'ApprovalDecided', at: decision.now, data });
  const message = 'Nobody said in time whether the effect happened.';
  const error = new MillraceError('conflict', 'effect_unreconciled', message, { retryable: false });
  failNode(decision, path, error.toShape());
}
