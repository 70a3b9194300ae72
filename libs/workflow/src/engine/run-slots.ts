/**
 * The keys of a whole run: nothing of it begins before each of them has room among the runs of its tenant, and it holds them until it ends.
 * Who has room is decided outside of the run, as for nodes (see `slots.ts`). In a thread a run comes to its keys after its turn, so whoever
 * holds a key waits for no turn.
 */
import type { RunEventOf } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import type { CompiledGraph } from '../compile/compiled-graph.js';
import type { Meter } from '../expression/meter.js';
import { record, running, type Decision } from './decision.js';
import { newFrame } from './location.js';
import type { RunMessage } from './messages.js';
import { slotOf } from './slots.js';
import type { Frame, NodeState, RunningRun, RunRoom, RunState, Slot } from './state.js';
import { storedTable } from './table.js';
import { waitsForThread } from './thread.js';
import type { SlotRequest } from './slots.js';

/** What a run says in place of the path of a node. */
const wholeRun = '';
/** Keeps the keys of runs apart from those of nodes: a node that asks for what its own run holds would wait for ever. */
const runKey = (key: string): string => `runs/${key}`;

/** What a run that begins with this input asks for. @throws MillraceError `invalid_concurrency_key`, or of the expression */
export function slotsOfRun(
  { concurrency, root }: CompiledGraph,
  { runId, input }: { readonly runId: string; readonly input: JsonObject },
  meter: Meter,
): Slot[] {
  if (concurrency.length === 0) return [];
  const seen = { runId, input, nodes: storedTable<NodeState>(), frames: storedTable<Frame>(), calls: new Map() };
  const frame = newFrame(root, '', null);
  return concurrency.map((shared) => {
    const { key, limit } = slotOf(seen, frame, shared, meter);
    return { key: runKey(key), limit };
  });
}

/** Whether nothing may begin because other runs hold its keys. What an end takes back is taken back at once. */
const waitsForRoom = (state: RunState): boolean =>
  state.status === 'running' && state.room?.isTaken === false && state.ending === null;

/** Whether a run is accepted and nothing of it may begin yet. */
export const waitsToBegin = (state: RunState): boolean => waitsForThread(state) || waitsForRoom(state);

/** What a run waits for or holds as a whole. */
export function requestOfRun(state: RunningRun): SlotRequest[] {
  const { room, retries, ending } = state;
  if (room === undefined || waitsForThread(state) || (!room.isTaken && ending !== null)) return [];
  return [{ node: wholeRun, attempt: retries.length, slots: room.slots, isTaken: room.isTaken }];
}

/** Whether a message is for the run as a whole. */
export const isForRun = ({ node }: Extract<RunMessage, { type: 'slots-granted' }>): boolean => node === wholeRun;

/** The keys have room. Says whether what is ready may begin; a run that is paused is told again. */
export function admitRun(decision: Decision, { attempt }: Extract<RunMessage, { type: 'slots-granted' }>): boolean {
  const state = running(decision);
  if (!state || !waitsForRoom(state) || waitsForThread(state) || attempt !== state.retries.length) return false;
  if (state.pausedAt !== null) return false;
  record(decision, { type: 'RunAdmitted', at: decision.now, data: attempt > 0 ? { generation: attempt } : {} });
  return true;
}

/** The fold of `RunAdmitted`: what is measured from the run's beginning is measured from here. */
export function admitted(state: RunningRun, { at }: RunEventOf<'RunAdmitted'>): RunningRun {
  if (state.room?.isTaken !== false) return state;
  const isFirst = state.retries.length === 0;
  return {
    ...state,
    room: { ...state.room, isTaken: true },
    startedAt: isFirst ? at : state.startedAt,
    retriedAt: isFirst ? null : at,
    allowedFrom: at,
  };
}

/** A run that begins, or begins again, comes to its keys. */
export const roomFor = (slots: readonly Slot[] | undefined): { readonly room?: RunRoom } =>
  slots === undefined || slots.length === 0 ? {} : { room: { slots, isTaken: false } };
