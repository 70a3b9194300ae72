import { customWorkerInputBytes, type NewRunEvent } from '@millrace/contracts';
import { MillraceError, type JsonValue } from '@millrace/kernel';
import { isCompensation, type CompiledWorker } from '../compile/compiled-graph.js';
import { Meter } from '../expression/meter.js';
import type { Decision } from './decision.js';
import type { Location } from './location.js';
import type { RunningRun } from './state.js';
import { callOf } from './taken-effects.js';
import { resolveIn } from './variables.js';

/** The inputs of tasks that were just decided on, so that publishing them does not resolve their templates again. */
const remembered = new WeakMap<NewRunEvent, JsonValue>();

/**
 * The input of a worker's task, as far as it can be known before: the same at every attempt, for it reads only what has ended.
 * @throws MillraceError of an expression that fails
 */
export function resolveInput(
  state: RunningRun,
  { path, frame }: Location,
  worker: CompiledWorker,
  scheduled: NewRunEvent | undefined,
  meter: Meter = new Meter(),
): JsonValue {
  const taken = isCompensation(worker) && state.effects.find((effect) => callOf(effect) === path);
  if (taken) return taken.input;
  const known = scheduled && remembered.get(scheduled);
  if (known !== undefined) return known;
  const { changedInput } = state;
  const input = changedInput?.node === path ? changedInput.input : resolveIn(state, frame, worker.with, meter);
  if (scheduled?.type === 'NodeScheduled') remembered.set(scheduled, input);
  return input;
}

/** The input of a task that `beginTask` has resolved. */
export const beganWith = (scheduled: NewRunEvent | undefined): JsonValue =>
  (scheduled && remembered.get(scheduled)) ?? null;

/** Resolves the input of a task that was just scheduled. @throws MillraceError `input_too_large`, or of an expression */
export function beginTask(decision: Decision, state: RunningRun, location: Location, worker: CompiledWorker): void {
  const input = resolveInput(state, location, worker, decision.events.at(-1), decision.meter);
  if (worker.worker === undefined) return;
  const bytes = Buffer.byteLength(JSON.stringify(input));
  if (bytes <= customWorkerInputBytes) return;
  const message = `The input takes ${bytes} bytes as JSON; a worker of yours gets at most ${customWorkerInputBytes}.`;
  throw new MillraceError('too-large', 'input_too_large', message);
}
