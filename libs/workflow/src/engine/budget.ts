/**
 * Budgets of runs: looked at before each attempt of a node that a worker executes.
 *
 * 1. What completed attempts cost is settled, and the estimates of those under way are reserved: an attempt begins only where both, and
 *    its own estimate, fit.
 * 2. What does not fit fails the run, or is done without, or pauses the run after everything else that follows from the message.
 * 3. Resuming a run that was paused so, and retrying one, allows as much again. Taking effects back costs what it costs.
 */
import { isCompensation, isWorker, type CompiledBudget, type CompiledWorker } from '../compile/compiled-graph.js';
import { record, running, type Decision } from './decision.js';
import { failRun, skipNode } from './end.js';
import { frameAt, locate } from './location.js';
import { continueMap } from './map.js';
import type { RunningRun } from './state.js';

/** Far less than a price, far more than what sums of prices lose. */
const roundingUsd = 1e-9;

/** Whether an attempt of a node may begin. Where it may not, draws the consequences. */
export function affords(decision: Decision, state: RunningRun, path: string, worker: CompiledWorker): boolean {
  const { budget } = decision.graph;
  if (budget === null || isCompensation(worker)) return true;
  const excess = excessOf(state, budget, worker, decision.now);
  if (excess === null) return true;
  if (budget.onExceed === 'pause') decision.overBudget ??= excess;
  else if (budget.onExceed === 'fail') failRun(decision, { code: 'budget_exceeded', message: excess, node: path });
  else if (state.nodes.get(path) === undefined) skipNode(decision, path, worker.kind, 'over-budget');
  return false;
}

/** What about an attempt does not fit, in words; null where it fits. */
function excessOf(state: RunningRun, budget: CompiledBudget, worker: CompiledWorker, now: string): string | null {
  const { usd, wallClockMs } = budget;
  if (wallClockMs !== null && Date.parse(now) - Date.parse(state.allowedFrom) > wallClockMs)
    return `The budget allows work to begin for ${wallClockMs} ms.`;
  if (usd === null) return null;
  const allowed = usd * (1 + state.budgetRaises);
  const [settled, reserved] = [state.usage.costUsd, reservedUsd(state)];
  const fits =
    settled + reserved + worker.estimateUsd <= allowed + roundingUsd && settled + reserved < allowed - roundingUsd;
  if (fits) return null;
  const amounts = [settled, reserved, worker.estimateUsd].map((amount) => Number(amount.toFixed(6)));
  return `The budget is ${allowed} dollars: ${amounts[0]} are spent, ${amounts[1]} reserved, and ${amounts[2]} would be more.`;
}

/** The estimates of the attempts that are under way. */
function reservedUsd(state: RunningRun): number {
  let sum = 0;
  for (const [path, { status }] of state.nodes.entries()) {
    if (status !== 'running') continue;
    const node = locate(state, path)?.node;
    if (node && isWorker(node)) sum += node.estimateUsd;
  }
  return sum;
}

/** Pauses the run where its budget did not allow something. */
export function pauseOverBudget(decision: Decision): void {
  const { overBudget } = decision;
  if (overBudget === null || running(decision)?.pausedAt !== null || running(decision)?.ending !== null) return;
  record(decision, { type: 'RunPaused', at: decision.now, data: { reason: overBudget, overBudget: true } });
}

/** Puts on the agenda what was ready and did not begin, anywhere in the run. */
export function beginWhatIsReady(decision: Decision): void {
  const state = running(decision);
  if (!state) return;
  for (const [path, { status }] of [...state.nodes.entries()]) if (status === 'running') unfold(decision, state, path);
  for (const [, frame] of state.frames.entries()) {
    for (const node of frame.scope.nodes) {
      const path = frame.prefix + node.id;
      const isReady = frame.waiting[node.index] === 0 && state.nodes.get(path) === undefined;
      if (isReady) decision.agenda.push({ action: 'begin', path });
    }
  }
}

/** What of a container no node could begin has no event, so its fold knows nothing of it: makes the frames that it is to have. */
function unfold(decision: Decision, state: RunningRun, path: string): void {
  const node = locate(state, path)?.node;
  const begun = state.nodes.get(path);
  if (!node || begun?.status !== 'running') return;
  if (node.kind === 'map') continueMap(decision, path, node);
  else if (node.kind === 'subgraph') frameAt(state, `${path}[0]`);
  else if (begun.progress?.kind === 'loop') frameAt(state, `${path}[${begun.progress.round}]`);
}
