import type { NewRunEvent } from '@millrace/contracts';
import type { CompiledGraph } from '../compile/compiled-graph.js';
import { Meter } from '../expression/meter.js';
import { evolve } from './evolve.js';
import type { Frame, RunningRun, RunState } from './state.js';
import { draftOf } from './table.js';

/** Deciding in progress: the events so far, and a draft of the state that they lead to. */
export interface Decision {
  readonly graph: CompiledGraph;
  readonly now: string;
  readonly meter: Meter;
  readonly events: NewRunEvent[];
  /** What is still to be done, first come first served. A list and not recursion, so that long chains cannot overflow the stack. */
  readonly agenda: AgendaItem[];
  /** What about the budget keeps something from beginning until the run is resumed; null where nothing does. */
  overBudget: string | null;
  state: RunState;
}

/** `begin`: a node whose needs have ended. `ended`: a node has ended, draw the consequences. */
interface AgendaItem {
  readonly action: 'begin' | 'ended';
  readonly path: string;
}

export function newDecision(graph: CompiledGraph, state: RunState, now: string): Decision {
  return { graph, now, meter: new Meter(), events: [], agenda: [], overBudget: null, state: draftState(state) };
}

function draftState(state: RunState): RunState {
  if (state.status === 'new') return state;
  return { ...state, nodes: draftOf(state.nodes, (node) => node), frames: draftOf(state.frames, copyFrame) };
}

const copyFrame = (frame: Frame): Frame => ({
  ...frame,
  waiting: frame.waiting.slice(),
  skippedNeeds: frame.skippedNeeds.slice(),
});

/** Decides on an event: the draft moves on. */
export function record(decision: Decision, event: NewRunEvent): void {
  decision.events.push(event);
  decision.state = evolve(decision.graph, decision.state, event);
}

/** The draft while the run is running. */
export function running(decision: Decision): RunningRun | null {
  return decision.state.status === 'running' ? decision.state : null;
}
