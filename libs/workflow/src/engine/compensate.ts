/**
 * The end of a run that does not complete, where effects have to be taken back:
 *
 * 1. What runs is cancelled, except for work whose effect would have to be taken back: that is waited for.
 * 2. Each effect is taken back by its tool call, as a task like any other: the last that completed first, one after the other.
 * 3. A node that had effects before and after a retry has each of them taken back; what its target knows by one key is one effect.
 * 4. A call that fails for good does not keep the others from being made. Then the run ends as it was to.
 */
import type { RunEventOf } from '@millrace/contracts';
import { isWorker } from '../compile/compiled-graph.js';
import { record, running, type Decision } from './decision.js';
import { locate } from './location.js';
import type { NodeState, RunningRun } from './state.js';
import { callOf } from './taken-effects.js';
import { mayTakeEffect } from './taking-effect.js';

type Ending = RunEventOf<'RunEnding'>['data'];

/** Ends a run that does not complete: at once, or after its effects are taken back. */
export function endRun(decision: Decision, ending: Ending): void {
  const state = running(decision);
  if (!state || state.ending !== null) return;
  if (!hasToTakeBack(decision, state)) {
    record(decision, terminal(decision.now, state, ending));
    return;
  }
  record(decision, { type: 'RunEnding', at: decision.now, data: ending });
  continueEnding(decision);
}

function terminal(at: string, state: RunningRun, ending: Ending): RunEventOf<'RunFailed' | 'RunCancelled'> {
  if (ending.outcome === 'failed') return { type: 'RunFailed', at, data: { error: ending.error } };
  const generation = state.retries.length;
  return { type: 'RunCancelled', at, data: { reason: ending.reason, ...(generation > 0 && { generation }) } };
}

const hasToTakeBack = ({ graph }: Decision, state: RunningRun): boolean =>
  state.effects.length > 0 ||
  (graph.compensates && [...state.nodes.entries()].some(([path, node]) => isWaitedFor(state, path, node)));

/** Whether a node goes on while the run ends. */
export function isWaitedFor(state: RunningRun, path: string, node: NodeState): boolean {
  if (node.status !== 'running') return false;
  const worker = locate(state, path)?.node;
  return worker !== undefined && isWorker(worker) && mayTakeEffect(node, worker);
}

/** Takes the next effect back, when nothing is waited for; ends the run when there is none left. */
export function continueEnding(decision: Decision): void {
  const state = running(decision);
  if (!state || state.ending === null || [...state.nodes.entries()].some(([, node]) => isOpen(node))) return;
  const next = state.effects.findLast((effect) => state.nodes.get(callOf(effect)) === undefined);
  if (next === undefined) record(decision, terminal(decision.now, state, state.ending));
  else takeBack(decision, state, callOf(next));
}

function takeBack(decision: Decision, state: RunningRun, path: string): void {
  const worker = locate(state, path)?.node;
  const timeoutMs = worker && isWorker(worker) ? worker.timeoutMs : null;
  const deadline =
    timeoutMs === null ? {} : { deadlineAt: new Date(Date.parse(decision.now) + timeoutMs).toISOString() };
  const data = { node: path, kind: 'tool', attempt: 1, ...deadline };
  record(decision, { type: 'NodeScheduled', at: decision.now, data });
}

const isOpen = ({ status }: NodeState): boolean => status === 'running' || status === 'retrying';
