import { isCompensation } from '../compile/compiled-graph.js';
import type { Location } from './location.js';
import type { RunningRun } from './state.js';

/**
 * A node has ended: its dependents wait for one less, and its frame, and perhaps the map around that, is nearer to its end.
 * Those that have to do without it count it as skipped: all but the `goto` of a failure.
 */
export function settle(state: RunningRun, location: Location, skipped: boolean, goto?: string): void {
  if (isCompensation(location.node)) return;
  const frame = state.frames.edit(location.framePath);
  // What is spared in an item that failed ends too, and counts no more.
  if (!frame || frame.remaining === 0) return;
  frame.remaining -= 1;
  if (state.pausedAt !== null) state.held = [...state.held, location.path];
  for (const { id, index } of location.node.dependents) {
    frame.waiting[index] = (frame.waiting[index] ?? 0) - 1;
    if (skipped && id !== goto) frame.skippedNeeds[index] = (frame.skippedNeeds[index] ?? 0) + 1;
  }
  if (frame.remaining > 0 || !frame.owner) return;
  const owner = state.nodes.get(frame.owner.path);
  if (owner?.status !== 'running' || owner.progress?.kind !== 'map') return;
  const progress = { ...owner.progress, finished: owner.progress.finished + 1 };
  state.nodes.set(frame.owner.path, { ...owner, progress });
}
