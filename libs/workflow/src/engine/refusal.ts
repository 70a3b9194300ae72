/** Why a run cannot take a message that somebody waits for an answer to. `decide` makes nothing of such a message. */
import { MillraceError } from '@millrace/kernel';
import type { CompiledGraph } from '../compile/compiled-graph.js';
import { refusalOfDecision } from './approval.js';
import { limits } from '../limits.js';
import type { RunMessage } from './messages.js';
import { refusalOfMigration } from './migrate-run.js';
import { parkedAt, refusalOfReconciliation } from './reconciliation.js';
import { refusalOfRetry } from './retry-run.js';
import type { RunState } from './state.js';

/** The reason for which a message is refused, or null. A message that was taken before is not refused: it changes nothing. */
export function refusalOf(graph: CompiledGraph, state: RunState, message: RunMessage): MillraceError | null {
  if (state.status === 'new') return null;
  if (message.type === 'retry') return refusalOfRetry(graph, state, message);
  if (message.type === 'migrate') return refusalOfMigration(state, message);
  if (message.type === 'decision') {
    if (state.status !== 'running') return null;
    const parked = parkedAt(state, message.node);
    return parked ? refusalOfReconciliation(parked, message) : refusalOfDecision(state, message);
  }
  return message.type === 'signal' ? refusalOfSignal(graph, state, message) : null;
}

function refusalOfSignal(
  graph: CompiledGraph,
  state: Exclude<RunState, { status: 'new' }>,
  message: Extract<RunMessage, { type: 'signal' }>,
): MillraceError | null {
  if (state.signals.some(({ id }) => id === message.id)) return null;
  if (state.status !== 'running') {
    return new MillraceError('conflict', 'run_ended', `The run is ${state.status}: it takes no signals any more.`);
  }
  if (!graph.signals.has(message.name)) {
    const names = [...graph.signals].sort();
    const known =
      names.length === 0 ? 'Nothing in its graph waits for a signal.' : `It waits for: ${names.join(', ')}.`;
    return new MillraceError('not-found', 'unknown_signal', `The run knows no signal '${message.name}'. ${known}`);
  }
  if (state.signals.length < limits.signals) return null;
  return new MillraceError('conflict', 'too_many_signals', `A run takes at most ${limits.signals} signals.`);
}
