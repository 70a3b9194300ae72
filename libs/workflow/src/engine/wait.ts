/** Waits: until a moment, for a signal, or for an event. An event completes every wait that it passes the filter of; a signal completes one wait: the first that began, of those whose filter it passes. */
import { MillraceError, type JsonObject, type JsonValue } from '@millrace/kernel';
import type { CompiledGraph, CompiledTemplate, CompiledWait } from '../compile/compiled-graph.js';
import { eventVariable, signalVariable } from '../compile/variables.js';
import { durationHint, durationMs, durationPattern } from '../document/duration.js';
import { momentHint, momentOf } from '../document/moment.js';
import type { Variables } from '../expression/expression.js';
import { toCel } from '../expression/values.js';
import { limits } from '../limits.js';
import { record, running, type Decision } from './decision.js';
import { completeNode } from './end.js';
import { wrongType } from './failure.js';
import { locate, type Location } from './location.js';
import type { Frame, ReceivedSignal, RunningRun, RunState, WaitProgress } from './state.js';
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
  if (wait.for.kind === 'event') {
    record(decision, { type: 'WaitStarted', at: decision.now, data: { node: path, event: wait.for.subject } });
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

/** Completes a node that waits for an event, where the event passes its filter; others are let pass by. */
export function takeEvent(decision: Decision, state: RunningRun, location: Location, event: JsonObject): void {
  const { node, frame, path } = location;
  if (node.kind !== 'wait' || node.for.kind !== 'event') return;
  if (passes(decision, state, frame, node.for.filter, { [eventVariable]: toCel(event) }))
    completeNode(decision, path, event);
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

function fits(decision: Decision, state: RunningRun, { frame, node }: Location, signal: ReceivedSignal): boolean {
  if (node.kind !== 'wait' || node.for.kind !== 'signal') return false;
  if (signal.consumed || signal.name !== node.for.name) return false;
  const { name, data, receivedAt } = signal;
  return passes(decision, state, frame, node.for.filter, { [signalVariable]: toCel({ name, data, receivedAt }) });
}

/** A filter that fails does not let pass: what a sender sends must not fail the run. */
function passes(
  { meter }: Decision,
  state: RunningRun,
  frame: Frame,
  filter: CompiledTemplate,
  own: Variables,
): boolean {
  try {
    return resolveIn(state, frame, filter, meter, own) === true;
  } catch {
    return false;
  }
}

function consume(decision: Decision, path: string, { id, name, data, receivedAt }: ReceivedSignal): void {
  record(decision, { type: 'SignalConsumed', at: decision.now, data: { node: path, id } });
  completeNode(decision, path, { name, data, receivedAt });
}

/** A node that waits for an event. */
export interface EventWait {
  /** Its path. */
  readonly node: string;
  readonly attempt: number;
  /** Behind `evt.<tenant>.`. */
  readonly subject: string;
}

/** Every node of a run that waits for an event now. */
export function eventWaitsOf({ awaitsEvents }: CompiledGraph, state: RunState): EventWait[] {
  if (!awaitsEvents || state.status !== 'running') return [];
  return [...state.nodes.entries()].flatMap(([path, node]) => {
    const subject = node.status === 'running' && node.progress?.kind === 'wait' ? node.progress.event : undefined;
    return subject === undefined || node.status !== 'running' ? [] : { node: path, attempt: node.attempt, subject };
  });
}
