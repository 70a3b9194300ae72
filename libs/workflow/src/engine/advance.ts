/** Moves a run on: what waited for an ended node begins, maps and loops unfold, until only workers and timers are waited for. */
import { assertNever } from '@millrace/kernel';
import { beginNode } from './begin.js';
import { pauseOverBudget } from './budget.js';
import { continueEnding } from './compensate.js';
import { record, running, type Decision } from './decision.js';
import { failRun } from './end.js';
import { errorOf } from './failure.js';
import { locate } from './location.js';
import { finishRound } from './loop.js';
import { continueMap } from './map.js';
import type { Frame, RunningRun } from './state.js';
import { finishSubgraph } from './subgraph.js';
import { waitsToBegin } from './run-slots.js';
import { threadPatchOf } from './thread.js';
import { resolveIn } from './variables.js';

/** Works off the agenda of a decision. While the run is paused, or waits for its turn, the state holds what there is to do. */
export function advance(decision: Decision): void {
  if (running(decision)?.pausedAt !== null || waitsToBegin(decision.state)) return;
  for (const item of decision.agenda) {
    if (decision.state.status !== 'running' || decision.state.ending !== null) break;
    switch (item.action) {
      case 'begin':
        beginNode(decision, item.path);
        break;
      case 'ended':
        follow(decision, decision.state, item.path);
        break;
      default:
        assertNever(item.action);
    }
  }
  pauseOverBudget(decision);
  continueEnding(decision);
}

/** A node has ended: what waited only for it begins, and its frame ends if it was the last. */
function follow(decision: Decision, state: RunningRun, path: string): void {
  const location = locate(state, path);
  if (!location) return;
  const { frame, node } = location;
  for (const dependent of node.dependents) {
    if (frame.waiting[dependent.index] === 0) beginNode(decision, frame.prefix + dependent.id);
  }
  const after = running(decision);
  const current = after?.frames.get(location.framePath);
  if (after?.ending === null && current?.remaining === 0) finishFrame(decision, after, current);
}

function finishFrame(decision: Decision, state: RunningRun, frame: Frame): void {
  const { owner } = frame;
  if (owner === null) finishRun(decision, state, frame);
  else if (owner.node.kind === 'map') continueMap(decision, owner.path, owner.node);
  else if (owner.node.kind === 'subgraph') finishSubgraph(decision, state, owner.path, owner.node, frame);
  else finishRound(decision, state, owner.path, owner.node, frame);
}

function finishRun(decision: Decision, state: RunningRun, frame: Frame): void {
  try {
    const output = resolveIn(state, frame, decision.graph.output, decision.meter);
    const threadPatch = threadPatchOf(decision, state, frame);
    const data = { output, ...(threadPatch !== undefined && { threadPatch }) };
    record(decision, { type: 'RunCompleted', at: decision.now, data });
  } catch (error) {
    const { code, message } = errorOf(error);
    failRun(decision, { code, message });
  }
}
