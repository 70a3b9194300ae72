/** One text for a state, to compare what the same events were folded to, here and elsewhere. */
import { sha256Hex } from '@millrace/kernel';
import { canonicalize } from '../document/canonical.js';
import type { RunState } from './state.js';

/**
 * The SHA-256, in hexadecimal, of all that a state says: of the run, and of every node by its path. Frames only count what
 * follows from the nodes, and calls are the graph's, so they are left out.
 */
export function stateHashOf(state: RunState): string {
  if (state.status === 'new') return sha256Hex(canonicalize({ status: state.status }));
  const { nodes, frames: _frames, calls: _calls, earlierAttempts, ...run } = state;
  const said = {
    ...run,
    earlierAttempts: Object.fromEntries(earlierAttempts),
    nodes: Object.fromEntries(nodes.entries()),
  };
  return sha256Hex(canonicalize(JSON.parse(JSON.stringify(said))));
}
