import type { TaskToDo } from '@millrace/workflow';
import type { HotRun } from '../run/hot-run.js';

/** Whether a run still waits for an attempt, as far as this run in memory knows. */
export function isOutstanding({ state }: Pick<HotRun, 'state'>, { node, attempt }: TaskToDo): boolean {
  if (state.status !== 'running') return false;
  const at = state.nodes.get(node);
  return at?.status === 'running' && at.attempt === attempt;
}
