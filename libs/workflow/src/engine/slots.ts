/**
 * Shared keys: a node waits until each of its keys has room among the runs of its tenant, and holds them until it ends, over all of
 * its attempts. Who has room is decided outside of the run; which keys it waits for or holds follows from its state alone.
 */
import type { CompiledGraph, CompiledSlot, CompiledWorker } from '../compile/compiled-graph.js';
import { laneKey } from '../compile/compile-lane.js';
import type { Meter } from '../expression/meter.js';
import { limits } from '../limits.js';
import { record, running, type Decision } from './decision.js';
import { wrongType } from './failure.js';
import type { Location } from './location.js';
import { requestOfRun } from './run-slots.js';
import type { Frame, RunningNode, RunningRun, RunState, Slot } from './state.js';
import { beganWith } from './task-input.js';
import { resolveIn, type Seen } from './variables.js';

/** What a node, or the whole run, waits for or holds. */
export interface SlotRequest {
  /** The node's path; empty for the run. */
  readonly node: string;
  /** Of the run: how often it has been retried. */
  readonly attempt: number;
  readonly slots: readonly Slot[];
  /** Whether the run knows that it has them. */
  readonly isTaken: boolean;
}

/** Makes a node that was just scheduled wait for its keys. @throws MillraceError `invalid_concurrency_key`, or of the expression */
export function requestSlots(
  decision: Decision,
  state: RunningRun,
  { path, frame }: Location,
  worker: CompiledWorker,
): void {
  const node = state.nodes.get(path);
  if (node?.status !== 'running') return;
  const shared = worker.concurrency.map((each) => slotOf(state, frame, each, decision.meter));
  const slots = [...shared, ...laneSlots(decision, worker)];
  record(decision, { type: 'SlotsRequested', at: decision.now, data: { node: path, attempt: node.attempt, slots } });
}

/** A key of a document, as it is here. @throws MillraceError `invalid_concurrency_key`, or of the expression */
export function slotOf(state: Seen, frame: Frame, { key, limit }: CompiledSlot, meter: Meter): Slot {
  const value = resolveIn(state, frame, key, meter);
  if (typeof value === 'string' && value.length > 0 && value.length <= limits.concurrencyKeyLength)
    return { key: value, limit };
  const message = `A key of concurrency is a text of 1 to ${limits.concurrencyKeyLength} characters.`;
  throw wrongType('invalid_concurrency_key', message);
}

/** The lane of a task that was just begun, as a key that one node holds at a time. */
function laneSlots(decision: Decision, worker: CompiledWorker): Slot[] {
  if (worker.lane === null) return [];
  const input = beganWith(decision.events.at(-1));
  return [{ key: laneKey(worker, input), limit: 1 }];
}

/** The keys have room for a node: its task may go out, unless the run is paused; then it is told again. */
export function takeSlots(decision: Decision, path: string, node: RunningNode): void {
  if (node.progress?.kind !== 'slots' || running(decision)?.pausedAt !== null) return;
  record(decision, { type: 'SlotsGranted', at: decision.now, data: { node: path, attempt: node.attempt } });
}

/** Everything that a run waits for or holds. */
export function slotRequestsOf({ shares }: CompiledGraph, state: RunState): SlotRequest[] {
  if (state.status !== 'running') return [];
  const ofRun = state.room === undefined ? [] : requestOfRun(state);
  if (!shares) return ofRun;
  const ofNodes = [...state.nodes.entries()].flatMap(([node, at]): SlotRequest[] => {
    if ((at.status !== 'running' && at.status !== 'retrying') || at.slots === undefined) return [];
    const isTaken = at.status === 'retrying' || at.progress?.kind !== 'slots';
    return [{ node, ...at.slots, isTaken }];
  });
  return [...ofRun, ...ofNodes];
}

/** Whether a run may have something to do with shared keys. */
export const mayShare = ({ shares }: CompiledGraph, state: RunState): boolean =>
  shares || (state.status !== 'new' && state.room !== undefined);
