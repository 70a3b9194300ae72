import type { NewRunEvent } from '@millrace/contracts';
import type { JsonValue } from '@millrace/kernel';
import type { CompiledWorker } from '../compile/compiled-graph.js';
import { Meter } from '../expression/meter.js';
import type { Location } from './location.js';
import type { RunningRun } from './state.js';
import { resolveIn } from './variables.js';

/** The inputs of tasks that were just decided on, so that publishing them does not resolve their templates again. */
const remembered = new WeakMap<NewRunEvent, JsonValue>();

/**
 * The input of a worker's task, as far as it can be known before: the same at every attempt, for it reads only what has ended.
 * @throws MillraceError of an expression that fails
 */
export function resolveInput(
  state: RunningRun,
  { frame }: Location,
  worker: CompiledWorker,
  scheduled: NewRunEvent | undefined,
  meter: Meter = new Meter(),
): JsonValue {
  const known = scheduled && remembered.get(scheduled);
  if (known !== undefined) return known;
  const input = resolveIn(state, frame, worker.with, meter);
  if (scheduled?.type === 'NodeScheduled') remembered.set(scheduled, input);
  return input;
}
