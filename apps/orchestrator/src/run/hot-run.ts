/**
 * A run as its owner keeps it in memory: the fold of its stored events and what the writer must know beside it.
 * It may run ahead of the store only inside one batch: when that batch is not committed, the hot run is dropped and
 * folded anew from the store.
 */
import { terminalEventTypes, type GraphIdentity, type Run, type RunEvent, type RunPriority } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import {
  changedApprovals,
  eventWaitsOf,
  evolve,
  initialState,
  slotRequestsOf,
  threadPlaceOf,
  timersOf,
  viewOf,
  type ApprovalView,
  type CompiledGraph,
  type RunState,
  type SlotRequest,
  type ThreadPlace,
  type Timer,
} from '@millrace/workflow';
import type { StoredEventWait } from '../event-wait/event-wait.store.js';
import { graphNamed, type RunGraphs } from './run-graphs.js';

/** Names a run. Ids are the callers' choice, so a run is only ever found together with its tenant. */
export interface RunKey {
  readonly tenantId: string;
  readonly runId: string;
  readonly partition: number;
}

export const keyText = (key: RunKey): string => `${key.tenantId}/${key.runId}`;

export interface ResolvedGraph {
  readonly identity: GraphIdentity;
  readonly compiled: CompiledGraph;
}

/** What the run's first event says about where it comes from. */
export interface RunOrigin {
  readonly input: JsonObject;
  readonly correlationId: string;
  readonly traceparent?: string | undefined;
  readonly priority: RunPriority;
  readonly createdAt: string;
  /** The thread that it belongs to. */
  readonly thread?: string | undefined;
}

interface EarlierGraph {
  readonly identity: GraphIdentity;
  readonly until: number;
}

export interface HotRun {
  readonly key: RunKey;
  /** The version that it is on. */
  graph: ResolvedGraph;
  /** Those that it was on before, and up to which event. */
  earlierGraphs: readonly EarlierGraph[];
  readonly origin: RunOrigin;
  state: RunState;
  position: number;
  ended: boolean;
  /** The timers stored for it, by `timerText`. */
  timers: ReadonlyMap<string, Timer>;
  /** The nodes that wait for events, with the place behind which they do. */
  eventWaits: readonly StoredEventWait[];
  /** The requests for shared keys stored for it, by node. */
  slots: ReadonlyMap<string, SlotRequest>;
  /** The place in its thread's line that is stored for it. */
  place: ThreadPlace | null;
  /** Those that wait for a decision. */
  approvals: readonly ApprovalView[];
  /** Length of its events as JSON: what it weighs in memory, roughly. */
  weight: number;
}

const unknownPosition = { stream: '', after: 0 };

export const isPending = ({ status }: ApprovalView): boolean => status === 'pending';

export const timerText = (timer: Pick<Timer, 'node' | 'attempt' | 'timer'>): string =>
  `${timer.timer}:${timer.attempt}:${timer.node}`;

export const timersByText = (timers: readonly Timer[]): ReadonlyMap<string, Timer> =>
  new Map(timers.map((timer) => [timerText(timer), timer]));

/** What a run waits for or holds of shared keys. */
export const slotsByNode = (graph: CompiledGraph, state: RunState): ReadonlyMap<string, SlotRequest> =>
  new Map(slotRequestsOf(graph, state).map((request) => [request.node, request]));

/** A run nobody has stored yet. */
export function newHotRun(key: RunKey, graph: ResolvedGraph, origin: RunOrigin): HotRun {
  return {
    key,
    graph,
    earlierGraphs: [],
    origin,
    state: initialState(),
    position: 0,
    ended: false,
    timers: new Map(),
    eventWaits: [],
    slots: new Map(),
    place: null,
    approvals: [],
    weight: 0,
  };
}

/** Adds one event. `json` is its data as stored. */
export function applyEvent(run: HotRun, event: RunEvent, json: string): void {
  run.state = evolve(run.graph.compiled, run.state, event);
  run.position = event.position;
  run.weight += json.length;
  if (terminalEventTypes.has(event.type)) run.ended = true;
  else if (event.type === 'RunRetried') run.ended = false;
}

/** Has what follows belong to another version of its graph. */
export function moveTo(run: HotRun, graph: ResolvedGraph): void {
  run.earlierGraphs = [...run.earlierGraphs, { identity: run.graph.identity, until: run.position }];
  run.graph = graph;
}

/** The version that an event belongs to. */
export const graphAt = ({ graph, earlierGraphs }: HotRun, position: number): GraphIdentity =>
  earlierGraphs.find(({ until }) => position <= until)?.identity ?? graph.identity;

/**
 * Folds a run's stored events (all of them, in order).
 * @throws Error where the first is not `RunStarted` or the positions have a gap, which the store's key forbids.
 */
export function foldRun(key: RunKey, { first: graph, later }: RunGraphs, events: readonly RunEvent[]): HotRun {
  const [first] = events;
  if (first?.type !== 'RunStarted') throw new Error(`Run ${key.runId} does not begin with RunStarted.`);
  const { input, correlationId, traceparent, priority = 'normal', thread } = first.data;
  const run = newHotRun(key, graph, { input, correlationId, traceparent, priority, thread, createdAt: first.at });
  for (const event of events) {
    if (event.position !== run.position + 1) throw new Error(`Run ${key.runId} has a gap before ${event.position}.`);
    if (event.type === 'RunMigrated') moveTo(run, graphNamed(later, event.data.to));
    applyEvent(run, event, JSON.stringify(event.data));
  }
  const { compiled } = run.graph;
  run.timers = timersByText(timersOf(compiled, run.state));
  // Where they are stored does not matter here: only what begins now is stored.
  run.eventWaits = eventWaitsOf(compiled, run.state).map((wait) => ({ key, wait, position: unknownPosition }));
  run.slots = slotsByNode(compiled, run.state);
  run.place = threadPlaceOf(run.state);
  run.approvals = changedApprovals(run.state, [], events).filter(isPending);
  return run;
}

/** The run as callers see it. */
export function runOf(run: HotRun): Run {
  const view = viewOf(run.graph.compiled, run.state);
  return {
    id: run.key.runId,
    graph: run.graph.identity,
    ...(run.origin.thread !== undefined && { thread: run.origin.thread }),
    status: view.status,
    input: run.origin.input,
    output: view.output,
    error: view.error,
    createdAt: run.origin.createdAt,
    startedAt: view.startedAt,
    finishedAt: view.finishedAt,
    usage: view.usage,
    steps: [...view.steps],
  };
}
