/**
 * Effects: work that changes something outside.
 *
 * 1. With a key, the target does the work once, so an attempt may be repeated like any other.
 * 2. Without one, a worker asks before it begins (EffectBegun); of each attempt one delivery may.
 * 3. When nobody can say whether such an effect happened, the node waits for somebody who finds out (EffectUncertain); it is
 *    never repeated by itself.
 */
import type { Usage } from '@millrace/contracts';
import type { ErrorKind, ErrorShape, JsonObject, JsonValue } from '@millrace/kernel';
import { isCompensation, isWorker, type CompiledWorker } from '../compile/compiled-graph.js';
import { outputVariable } from '../document/check-effect.js';
import { Meter } from '../expression/meter.js';
import { toCel } from '../expression/values.js';
import { limits } from '../limits.js';
import { record, running, type Decision } from './decision.js';
import { completeNode, failNode } from './end.js';
import { errorOf, wrongType } from './failure.js';
import { locate, type Location } from './location.js';
import type { RunMessage } from './messages.js';
import type { RunningNode, RunningRun, RunState } from './state.js';
import { asksToBegin } from './taking-effect.js';
import { resolveIn, type Seen } from './variables.js';

type BeginMessage = Extract<RunMessage, { type: 'task-begin' }>;

/** What goes through every header; no line breaks, with which further ones could be smuggled in. */
const keyPattern = /^[\x20-\x7e]{1,255}$/;

/** The key that goes to the target, if there is one. @throws MillraceError `invalid_idempotency_key`, or of the expression */
export function effectKey(
  state: Seen,
  { path, frame }: Location,
  worker: CompiledWorker,
  meter: Meter,
): string | undefined {
  if (isCompensation(worker)) return `${state.runId}:${path}`;
  if (worker.effect === null || worker.effect.key === null) return undefined;
  const key = resolveIn(state, frame, worker.effect.key, meter);
  if (typeof key === 'string' && keyPattern.test(key)) return key;
  throw wrongType('invalid_idempotency_key', 'The key of an effect is 1 to 255 printable ASCII characters.');
}

/** A worker asks to begin: the first one may. */
export function beginEffect(
  decision: Decision,
  node: RunningNode,
  worker: CompiledWorker,
  message: BeginMessage,
): void {
  if (!asksToBegin(worker) || worker.worker !== message.worker || node.claim !== undefined) return;
  const { node: path, attempt, claim } = message;
  record(decision, { type: 'EffectBegun', at: decision.now, data: { node: path, attempt, claim } });
}

/** Whether the one that asked with this claim may work on the attempt. */
export function mayBegin(
  state: RunningRun,
  { node: path, attempt, claim }: Pick<BeginMessage, 'node' | 'attempt' | 'claim'>,
): boolean {
  const node = state.nodes.get(path);
  return node?.status === 'running' && node.attempt === attempt && node.claim === claim && node.progress === null;
}

/** What an error of these kinds says of an effect: nothing. The others say that it was refused. */
const uncertainKinds: ReadonlySet<ErrorKind> = new Set(['unavailable', 'timeout', 'cancelled', 'internal']);

/** Lets somebody find out what happened, where nobody knows. False where that is known, or does not matter. */
export function parkIfUncertain(decision: Decision, path: string, worker: CompiledWorker, error: ErrorShape): boolean {
  const node = running(decision)?.nodes.get(path);
  if (node?.status !== 'running' || !asksToBegin(worker) || node.claim === undefined) return false;
  if (!uncertainKinds.has(error.kind)) return false;
  if (node.progress !== null) return true;
  const deadlineAt = new Date(Date.parse(decision.now) + limits.reconciliationMs).toISOString();
  const data = { node: path, attempt: node.attempt, error, deadlineAt };
  record(decision, { type: 'EffectUncertain', at: decision.now, data });
  return true;
}

/** Completes a worker's node, and keeps what takes its effect back. */
export function completeWorker(
  decision: Decision,
  path: string,
  worker: CompiledWorker,
  outcome: { readonly output: JsonValue; readonly usage?: Usage | undefined },
): void {
  const { output, usage } = outcome;
  const state = running(decision);
  const location = state && locate(state, path);
  const undo = worker.effect?.compensate ?? null;
  if (undo === null || !state || !location) {
    completeNode(decision, path, output, { usage });
    return;
  }
  try {
    const own = { [outputVariable]: toCel(output) };
    const compensate = resolveIn(state, location.frame, undo, decision.meter, own) as JsonObject;
    const known = state.effects.some(({ node, key }) => node === path && key !== undefined);
    const key = known ? effectKey(state, location, worker, decision.meter) : undefined;
    completeNode(decision, path, output, { usage, compensate, effectKey: key });
  } catch (error) {
    failNode(decision, path, errorOf(error));
  }
}

/** The keys of the effects that took place and whose keys are not kept yet: a retry may ask their nodes for them again. */
export function keysOfEffects(state: Exclude<RunState, { status: 'new' }>): { node: string; key: string }[] {
  const open = new Set(state.effects.filter(({ key }) => key === undefined).map(({ node }) => node));
  return [...open].flatMap((node) => {
    const location = state.nodes.get(node)?.status === 'completed' ? locate(state, node) : undefined;
    if (!location || !isWorker(location.node)) return [];
    const key = keyThatWas(state, location, location.node);
    return key === undefined ? [] : [{ node, key }];
  });
}

/** What the graph has come to say elsewhere since is no key that anybody knows. */
function keyThatWas(state: Seen, location: Location, worker: CompiledWorker): string | undefined {
  try {
    return effectKey(state, location, worker, new Meter());
  } catch {
    return undefined;
  }
}
