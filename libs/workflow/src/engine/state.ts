/** The state of a run: nothing but the fold of its events (see `evolve.ts`). */
import type { GraphIdentity, RunEventOf, Usage } from '@millrace/contracts';
import type { ErrorShape, JsonObject, JsonValue } from '@millrace/kernel';
import type { CompiledContainer, CompiledScope, CompiledWorker } from '../compile/compiled-graph.js';
import type { Table } from './table.js';

export type RunState = NewRun | RunningRun | CompletedRun | FailedRun | CancelledRun;

interface NewRun {
  readonly status: 'new';
}

interface BegunRun {
  readonly runId: string;
  /** Until it moves to another version. */
  readonly graph: GraphIdentity;
  /** With the defaults of that version. */
  readonly input: JsonObject;
  /** Whether it has moved: what is ready may then be what no event led to. */
  readonly migrated?: true;
  readonly correlationId: string;
  readonly traceparent: string | undefined;
  readonly startedAt: string;
  usage: Usage;
  /** In the order of their arrival. */
  signals: readonly ReceivedSignal[];
  /** Since when nothing begins, or null. */
  pausedAt: string | null;
  /** The paths of the nodes that ended since, in their order: what follows from that is held back. */
  held: readonly string[];
  /** What took effect and can be taken back, in the order of completion. */
  effects: readonly TakenEffect[];
  /** By the path of the call that takes an effect back: that call, as the graph said it when the effect took place. */
  calls: ReadonlyMap<string, CompiledWorker>;
  /** How the run will end when its effects are taken back; null while it goes on. */
  ending: RunEventOf<'RunEnding'>['data'] | null;
  /** How often what the budget allows was allowed again, and since when. */
  budgetRaises: number;
  allowedFrom: string;
  /** Whether it is paused because its budget did not allow what was to begin. */
  isOverBudget: boolean;
  /** How many steps have begun. */
  steps: number;
  /** The ids of its retries, and when the last of them began; null before. */
  retries: readonly string[];
  retriedAt: string | null;
  /** By path: the attempts of before a retry, for those that a retry lets run again. */
  earlierAttempts: ReadonlyMap<string, number>;
  /** The node of a fork that gets another input than its `with` says. */
  readonly changedInput: { readonly node: string; readonly input: JsonValue } | null;
  /** The thread that it is in, or that it may read; absent for most. */
  readonly thread?: RunThread;
  /** The keys that it waits for or holds as a whole; absent for most. */
  readonly room?: RunRoom;
  /** By path. */
  readonly nodes: Table<NodeState>;
  /** By path: '' is the graph itself, `pages[3]` an item of a map, `write[2]` a round of a loop. */
  readonly frames: Table<Frame>;
}

/**
 * `waiting`: its turn has not come, and nothing of it has begun. `entered`: it is under way in the thread. `read`: it is a fork of a run
 * that was, and reads what that did.
 */
export interface RunThread {
  readonly id: string;
  readonly status: 'waiting' | 'entered' | 'read';
  /** As it was when the run entered. */
  readonly version: number;
  readonly state: JsonObject;
}

/** Keys that have room for the run, or that it waits for. */
export interface RunRoom {
  readonly slots: readonly Slot[];
  readonly isTaken: boolean;
}

export interface RunningRun extends BegunRun {
  readonly status: 'running';
}
export interface CompletedRun extends BegunRun {
  readonly status: 'completed';
  readonly output: JsonValue;
  readonly finishedAt: string;
}
export interface FailedRun extends BegunRun {
  readonly status: 'failed';
  readonly error: { readonly code: string; readonly message: string; readonly node?: string };
  readonly finishedAt: string;
}
export interface CancelledRun extends BegunRun {
  readonly status: 'cancelled';
  readonly reason: string;
  readonly finishedAt: string;
}

/** A node that has begun or was skipped; the others have no state. Never changed in place. */
export type NodeState = RunningNode | RetryingNode | CompletedNode | FailedNode | SkippedNode | CancelledNode;

interface BegunNode {
  readonly attempt: number;
  /** How many of its attempts belong to generations of the run before a retry: policies count from there. */
  readonly earlierAttempts: number;
  readonly startedAt: string;
  readonly deadlineAt: string | undefined;
  /** What it waits for or holds until it ends. */
  readonly slots?: HeldSlots;
}

export interface RunningNode extends BegunNode {
  readonly status: 'running';
  /** What is known of a map or loop that has unfolded, and of what waits; null for every other node. */
  readonly progress:
    MapProgress | LoopProgress | WaitProgress | ApprovalProgress | ReconciliationProgress | SlotsProgress | null;
  /** Whose work may have an effect that must not happen twice; undefined while nobody has begun. */
  readonly claim?: string;
}
export interface RetryingNode extends BegunNode {
  readonly status: 'retrying';
  readonly error: ErrorShape;
  readonly dueAt: string;
}
interface CompletedNode extends BegunNode {
  readonly status: 'completed';
  readonly output: JsonValue;
  /** The items that a map went on without, by their index. */
  readonly failures: readonly ItemFailure[] | undefined;
  /** What it used, where others read that. */
  readonly usage?: Usage;
  readonly finishedAt: string;
}
interface FailedNode extends BegunNode {
  readonly status: 'failed';
  readonly error: ErrorShape;
  /** The node beside it that its failure leads to. */
  readonly goto: string | undefined;
  /** What it has all the same. */
  readonly output: JsonValue | undefined;
  readonly finishedAt: string;
}
/** `not-chosen`: a branch chose others, or what it is there for did not fail. */
export type SkipReason = 'condition' | 'upstream-skipped' | 'not-chosen' | 'over-budget';

interface SkippedNode {
  readonly status: 'skipped';
  readonly reason: SkipReason;
}
/** It was running or waiting when the run, or the map or loop around it, ended. */
interface CancelledNode extends BegunNode {
  readonly status: 'cancelled';
  readonly finishedAt: string;
}

/** A signal; it is kept without its data after a wait has consumed it, so that its id is known. */
export interface ReceivedSignal {
  readonly id: string;
  readonly name: string;
  readonly data: JsonValue;
  readonly receivedAt: string;
  readonly consumed: boolean;
}

/** A moment, the name of a signal, or the subject of an event. */
export interface WaitProgress {
  readonly kind: 'wait';
  readonly until: string | undefined;
  readonly signal: string | undefined;
  readonly event: string | undefined;
}
/** Asks for a decision. */
interface ApprovalProgress {
  readonly kind: 'approval';
  readonly assignees: readonly string[];
}
/** Asks whether the effect happened. */
interface ReconciliationProgress {
  readonly kind: 'reconciliation';
  readonly error: ErrorShape;
}
/** Waits until its keys have room. */
interface SlotsProgress {
  readonly kind: 'slots';
}
export interface HeldSlots {
  /** The attempt that asked for them; those after it hold them on. */
  readonly attempt: number;
  readonly slots: readonly Slot[];
}
export interface Slot {
  readonly key: string;
  readonly limit: number;
}
export interface TakenEffect {
  readonly node: string;
  /** Which of the effects of that node it is; absent for the first. */
  readonly nth?: number;
  /** By what its target knows it, where the node may be asked for it again after a retry. */
  readonly key?: string;
  /** The input of the tool call that takes it back. */
  readonly input: JsonObject;
}
export interface MapProgress {
  readonly kind: 'map';
  readonly items: readonly JsonValue[];
  readonly started: number;
  readonly finished: number;
  /** In the order in which they failed. */
  readonly failures: readonly ItemFailure[];
}
export interface ItemFailure {
  readonly index: number;
  readonly error: ErrorShape;
}
export interface LoopProgress {
  readonly kind: 'loop';
  readonly round: number;
  /** The output of the round before; null in the first. */
  readonly previous: JsonValue;
  /** The best round so far, where rounds are scored. */
  readonly best: { readonly output: JsonValue; readonly score: number } | null;
}

/** One run of a scope. Changed in place, by counters, so that finding what is ready costs nothing. */
export interface Frame {
  readonly scope: CompiledScope;
  /** What precedes the ids of its nodes in their paths: '' or `pages[3].`. */
  readonly prefix: string;
  readonly owner: FrameOwner | null;
  /** What its expressions call `input`, where that is not the run's: in a subgraph. */
  readonly input: JsonObject | null;
  /** By node index: how many of its needs have not ended, and how many were skipped. */
  waiting: number[];
  skippedNeeds: number[];
  /** Nodes that have not ended. */
  remaining: number;
}

/** The map, loop or subgraph that a frame belongs to. */
interface FrameOwner {
  readonly node: CompiledContainer;
  readonly path: string;
  /** The item's or round's number. */
  readonly index: number;
}

/** A run that has no event yet. */
export function initialState(): RunState {
  return { status: 'new' };
}
