/**
 * A run in a thread: nothing of it begins before its turn comes, which is decided outside of the run. What the thread knew then is
 * what its expressions see until it ends; what it writes follows from its graph when it completes.
 */
import type { RunEventOf } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import type { CompiledGraph } from '../compile/compiled-graph.js';
import { patchedState } from '../thread/merge-patch.js';
import { record, running, type Decision } from './decision.js';
import { wrongType } from './failure.js';
import type { RunMessage } from './messages.js';
import type { Frame, RunningRun, RunState, RunThread } from './state.js';
import { resolveIn } from './variables.js';

/** The place that a run has in its thread: it waits there, or it is under way. */
export interface ThreadPlace {
  readonly threadId: string;
  /** How often the run had been retried: each time it comes to the thread anew. */
  readonly generation: number;
  /** Whether the run knows that it is its turn. */
  readonly isTaken: boolean;
}

/** Where a run stands in its thread; null for one that has ended or is in none. */
export function threadPlaceOf(state: RunState): ThreadPlace | null {
  if (state.status !== 'running' || state.thread === undefined || state.thread.status === 'read') return null;
  const { id, status } = state.thread;
  return { threadId: id, generation: state.retries.length, isTaken: status === 'entered' };
}

/** Whether nothing may begin because another run's turn it is. What an end takes back is taken back at once. */
export const waitsForThread = (state: RunState): boolean =>
  state.status === 'running' && state.thread?.status === 'waiting' && state.ending === null;

/** It is the run's turn. Says whether what is ready may begin; a run that is paused is told again. */
export function enterThread(decision: Decision, message: Extract<RunMessage, { type: 'thread-entered' }>): boolean {
  const state = running(decision);
  const { generation, version, state: seen } = message;
  if (!state || !waitsForThread(state) || state.retries.length !== generation) return false;
  if (state.pausedAt !== null) return false;
  const data = { version, state: seen, ...(generation > 0 && { generation }) };
  record(decision, { type: 'ThreadEntered', at: decision.now, data });
  return true;
}

/** The fold of `ThreadEntered`: what is measured from the run's beginning is measured from here. */
export function enteredThread(state: RunningRun, { at, data }: RunEventOf<'ThreadEntered'>): RunningRun {
  if (state.thread?.status !== 'waiting') return state;
  const isFirst = state.retries.length === 0;
  return {
    ...state,
    thread: { ...state.thread, status: 'entered', version: data.version, state: data.state },
    startedAt: isFirst ? at : state.startedAt,
    retriedAt: isFirst ? null : at,
    allowedFrom: at,
  };
}

/** A run that comes to its thread. */
export const waitingThread = (id: string): RunThread => ({ id, status: 'waiting', version: 0, state: {} });

/** A run that ended and is retried comes to its thread anew. */
export const threadAgain = (thread: RunThread | undefined): { readonly thread?: RunThread } =>
  thread === undefined ? {} : { thread: thread.status === 'read' ? thread : { ...thread, status: 'waiting' } };

/** What a fork knows of the thread of its parent: as much as that did. */
export function threadToRead(state: RunState): Pick<RunThread, 'id' | 'version' | 'state'> | undefined {
  if (state.status === 'new' || state.thread === undefined || state.thread.status === 'waiting') return undefined;
  const { id, version, state: seen } = state.thread;
  return { id, version, state: seen };
}

/**
 * What a run that completes writes to its thread; undefined where it writes nothing.
 * @throws MillraceError `thread_state_not_an_object`, as `patchedState`, or of an expression
 */
export function threadPatchOf(decision: Decision, state: RunningRun, frame: Frame): JsonObject | undefined {
  const { thread: policy }: CompiledGraph = decision.graph;
  if (policy?.patch == null || state.thread?.status !== 'entered') return undefined;
  const patch = resolveIn(state, frame, policy.patch, decision.meter);
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch))
    throw wrongType('thread_state_not_an_object', 'What `thread.state` yields is merged into an object: yield one.');
  patchedState(state.thread.state, patch);
  return patch;
}
