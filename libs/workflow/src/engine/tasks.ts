/** Which tasks are outstanding: follows from the state alone, so they can be published again whatever the transport lost. */
import type { NewRunEvent, TaskKind } from '@millrace/contracts';
import type { JsonValue } from '@millrace/kernel';
import { isWorker, type CompiledGraph } from '../compile/compiled-graph.js';
import { Meter } from '../expression/meter.js';
import { cachedWork, type CachedWork } from './cached-work.js';
import { effectKey } from './effect.js';
import { locate } from './location.js';
import type { RunningRun, RunState } from './state.js';
import { asksToBegin } from './taking-effect.js';
import { resolveInput } from './task-input.js';

/** A task for a worker. `input` still lacks the defaults of its contract. */
export interface TaskToDo {
  readonly node: string;
  readonly kind: TaskKind;
  /** The program of the tenant that it is for; undefined for a service. */
  readonly worker: string | undefined;
  readonly attempt: number;
  readonly input: JsonValue;
  readonly deadlineAt?: string | undefined;
  /** How long it may take and may show no progress, in milliseconds; null without limit. */
  readonly attemptMs: number | null;
  readonly idleMs: number | null;
  /** What the target is to know the work by, so that it does it once. */
  readonly idempotencyKey: string | undefined;
  /** Whether the worker must ask before it begins. */
  readonly asksToBegin: boolean;
  /** What names the work where its output may be taken from before. */
  readonly cached: CachedWork | undefined;
}

/** Every task that must be with a worker or on its way. */
export function outstandingTasks(_graph: CompiledGraph, state: RunState): TaskToDo[] {
  if (state.status !== 'running') return [];
  return [...state.nodes.entries()].flatMap(([path]) => taskAt(state, path) ?? []);
}

/** The tasks that new events, which the state has folded, have begun: what to publish after committing them. */
export function tasksOf(_graph: CompiledGraph, state: RunState, events: readonly NewRunEvent[]): TaskToDo[] {
  if (state.status !== 'running') return [];
  return events.flatMap((event) =>
    event.type === 'NodeScheduled' || event.type === 'SlotsGranted'
      ? (taskAt(state, event.data.node, event) ?? [])
      : [],
  );
}

function taskAt(state: RunningRun, path: string, scheduled?: NewRunEvent): TaskToDo | undefined {
  const node = state.nodes.get(path);
  // Nobody works on what waits for room, or for somebody to say whether it happened.
  if (node?.status !== 'running' || node.progress !== null) return undefined;
  const location = locate(state, path);
  if (!location || !isWorker(location.node)) return undefined;
  const input = resolveInput(state, location, location.node, scheduled);
  const { kind, worker, attemptMs, idleMs } = location.node;
  const { attempt, deadlineAt } = node;
  const idempotencyKey = effectKey(state, location, location.node, new Meter());
  const limits = { deadlineAt, attemptMs, idleMs };
  const effect = { idempotencyKey, asksToBegin: asksToBegin(location.node) };
  const cached = cachedWork(state, location, location.node, input, new Meter());
  return { node: path, kind, worker, attempt, input, ...limits, ...effect, cached };
}
