/** Waits: until a moment, or for a signal. A signal completes one wait: the first that began, of those whose filter it passes. */
import { MillraceError, type JsonValue } from '@millrace/kernel';
import type { CompiledWait } from '../compile/compiled-graph.js';
import { signalVariable } from '../compile/variables.js';
import { durationHint, durationMs, durationPattern } from '../document/duration.js';
import { momentHint, momentOf } from '../document/moment.js';
import { toCel } from '../expression/values.js';
import { limits } from '../limits.js';
import { record, running, type Decision } from './decision.js';
import { completeNode } from './end.js';
import { wrongType } from './failure.js';
import { locate, type Location } from './location.js';
import type { ReceivedSignal, RunningRun, WaitProgress } from './state.js';
import { resolveIn } from './variables.js';

/** Begins a wait that has just been scheduled. @throws MillraceError `invalid_wait`, `wait_too_long`, or of the expression */
export function beginWait(decision: Decision, state: RunningRun, location: Location, wait: CompiledWait): void {
  const { path } = location;
  if (wait.for.kind === 'signal') {
    record(decision, { type: 'WaitStarted', at: decision.now, data: { node: path, signal: wait.for.name } });
    const pending = running(decision)?.signals.find((signal) => fits(decision, state, location, signal));
    if (pending) consume(decision, path, pending);
    return;
  }
  const now = Date.parse(decision.now);
  const moment = momentAfter(now, wait.for.kind, resolveIn(state, location.frame, wait.for.value, decision.meter));
  if (moment - now > limits.waitMs)
    throw new MillraceError('invalid', 'wait_too_long', 'A wait takes at most 366 days.');
  const until = new Date(moment).toISOString();
  record(decision, { type: 'WaitStarted', at: decision.now, data: { node: path, until } });
  if (moment <= now) completeNode(decision, path, { until });
}

function momentAfter(now: number, kind: 'duration' | 'moment', value: JsonValue): number {
  if (kind === 'duration') {
    if (typeof value === 'string' && durationPattern.test(value)) return now + durationMs(value);
    throw wrongType('invalid_wait', `What a wait waits for ${durationHint}.`);
  }
  const moment = typeof value === 'string' ? momentOf(value) : null;
  if (moment === null) throw wrongType('invalid_wait', `What a wait waits until ${momentHint}.`);
  return moment;
}

/** Ends a wait whose moment has come. */
export function endWait(decision: Decision, path: string, { until }: WaitProgress): void {
  if (until !== undefined) completeNode(decision, path, { until });
}

/** Takes a signal in, and completes the node that waits for it, if there is one. */
export function takeSignal(decision: Decision, { id, name, data }: Pick<ReceivedSignal, 'id' | 'name' | 'data'>): void {
  record(decision, { type: 'SignalReceived', at: decision.now, data: { id, name, data } });
  const state = running(decision);
  const signal = state?.signals.at(-1);
  if (!state || !signal) return;
  for (const [path, node] of state.nodes.entries()) {
    if (node.status !== 'running' || node.progress?.kind !== 'wait' || node.progress.signal !== name) continue;
    const location = locate(state, path);
    if (!location || !fits(decision, state, location, signal)) continue;
    consume(decision, path, signal);
    return;
  }
}

/** A filter that fails on a signal does not let it pass: what a sender sends must not fail the run. */
function fits({ meter }: Decision, state: RunningRun, { frame, node }: Location, signal: ReceivedSignal): boolean {
  if (node.kind !== 'wait' || node.for.kind !== 'signal') return false;
  if (signal.consumed || signal.name !== node.for.name) return false;
  const { name, data, receivedAt } = signal;
  try {
    return (
      resolveIn(state, frame, node.for.filter, meter, { [signalVariable]: toCel({ name, data, receivedAt }) }) === true
    );
  } catch {
    return false;
  }
}

function consume(decision: Decision, path: string, { id, name, data, receivedAt }: ReceivedSignal): void {
  record(decision, { type: 'SignalConsumed', at: decision.now, data: { node: path, id } });
  completeNode(decision, path, { name, data, receivedAt });
}
