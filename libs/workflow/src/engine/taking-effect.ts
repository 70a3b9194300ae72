/** Which work may have an effect. */
import type { CompiledWorker } from '../compile/compiled-graph.js';
import type { RunningNode } from './state.js';

/** Whether a worker must ask before it begins. */
export const asksToBegin = ({ effect }: CompiledWorker): boolean => effect !== null && effect.key === null;

/** Whether the work of a node that has not ended may have an effect, now or later, that has to be taken back. */
export function mayTakeEffect(node: RunningNode, worker: CompiledWorker): boolean {
  if (worker.effect === null || worker.effect.compensate === null) return false;
  return !asksToBegin(worker) || node.claim !== undefined;
}
