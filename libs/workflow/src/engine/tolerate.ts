/** Maps that go on without some of their items: `tolerate {failures}`. */
import type { RunEventOf } from '@millrace/contracts';
import type { CompiledMap } from '../compile/compiled-graph.js';
import { countOf } from '../document/share.js';
import type { Frame, ItemFailure, MapProgress, RunningRun } from './state.js';

/** Whether the map around a frame goes on when the item of that frame fails. */
export function tolerates(state: RunningRun, owner: NonNullable<Frame['owner']>): boolean {
  const { node, path } = owner;
  if (node.kind !== 'map' || node.tolerates === 0) return false;
  const progress = progressOf(state, path);
  return progress !== null && progress.failures.length < allowedFailures(node, progress);
}

const allowedFailures = ({ tolerates: share }: CompiledMap, { items }: MapProgress): number =>
  countOf(share, items.length);

/** Ends an item that failed: its frame has nothing left to do. False where it has ended before. */
export function endItem(state: RunningRun, path: string, event: RunEventOf<'MapItemFailed'>): boolean {
  const { index, error } = event.data;
  const map = state.nodes.get(path);
  const frame = state.frames.edit(`${path}[${index}]`);
  if (map?.status !== 'running' || map.progress?.kind !== 'map' || !frame || frame.remaining === 0) return false;
  frame.remaining = 0;
  const { finished, failures } = map.progress;
  const progress = { ...map.progress, finished: finished + 1, failures: [...failures, { index, error }] };
  state.nodes.set(path, { ...map, progress });
  // Any node of the item stands for it: what follows from its end is held back while the run is paused.
  const [first] = frame.scope.nodes;
  if (state.pausedAt !== null && first) state.held = [...state.held, frame.prefix + first.id];
  return true;
}

function progressOf(state: RunningRun, path: string): MapProgress | null {
  const map = state.nodes.get(path);
  return map?.status === 'running' && map.progress?.kind === 'map' ? map.progress : null;
}

export const inOrder = (failures: readonly ItemFailure[]): readonly ItemFailure[] =>
  failures.toSorted((left, right) => left.index - right.index);
