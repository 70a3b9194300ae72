/**
 * One property for each row of the table in `evolve.ts`: an event that fits a state makes of it what the row says, and one that
 * fits none changes nothing. Events and states are taken from all scenarios, each event tried on each state of its run.
 */
import { describe, expect, it } from '@jest/globals';
import type { NewRunEvent, RunEventOf } from '@millrace/contracts';
import { compileGraph } from '../compile/compile.js';
import type { CompiledGraph } from '../compile/compiled-graph.js';
import { scenarios } from '../testing/scenarios.js';
import { snapshotOf, type TestRun } from '../testing/test-run.js';
import { rowsOfEvents } from '../testing/transition-rows.js';
import { evolve } from './evolve.js';
import { locate } from './location.js';
import { initialState, type NodeState, type RunningNode, type RunningRun, type RunState } from './state.js';

type Type = NewRunEvent['type'];

/** An event, tried on the state after so many events of its run. */
interface Trial {
  readonly run: TestRun;
  readonly position: number;
  readonly event: NewRunEvent;
}

/** What a row says: of which states it speaks, and what becomes of them. */
interface Row<Of extends Type = Type> {
  readonly fits: (before: RunState, event: RunEventOf<Of>) => boolean;
  readonly becomes: (after: RunState, event: RunEventOf<Of>, before: RunState) => void;
}

const graphs = new Map<object, CompiledGraph>();
function graphOf(document: object): CompiledGraph {
  const known = graphs.get(document) ?? compileGraph(document as never);
  graphs.set(document, known);
  return known;
}

/** Folds events from the beginning, each with the version that it belongs to; gives the version, too. */
function folded(run: TestRun, events: readonly NewRunEvent[]): { state: RunState; graph: CompiledGraph } {
  let [state, version] = [initialState(), 0];
  for (const event of events) {
    if (event.type === 'RunMigrated') version = 1;
    state = evolve(graphOf(run.documents[version] ?? {}), state, event);
  }
  return { state, graph: graphOf(run.documents[version] ?? {}) };
}

const runs = Object.values(scenarios).map((scenario) => scenario());
const trials: readonly Trial[] = runs.flatMap((run) =>
  run.events.flatMap((event) =>
    Array.from({ length: run.events.length + 1 }, (_state, position) => ({ run, position, event })),
  ),
);
const stateOf = ({ run, position }: Trial) => folded(run, run.events.slice(0, position));

function tried({ run, position, event }: Trial): { before: RunState; after: RunState } {
  const { state: before, graph } = stateOf({ run, position, event });
  const { state } = stateOf({ run, position, event });
  const target = event.type === 'RunMigrated' ? graphOf(run.documents[1] ?? {}) : graph;
  return { before, after: evolve(target, state, event) };
}

const isRunning = (state: RunState): state is RunningRun => state.status === 'running';
const running = (state: RunState): RunningRun => {
  expect(state.status).toBe('running');
  return state as RunningRun;
};
const nodeAt = (state: RunState, path: string): NodeState | undefined =>
  state.status === 'new' ? undefined : state.nodes.get(path);
const isOpen = ({ status }: NodeState): boolean => status === 'running' || status === 'retrying';
const openNodes = (state: RunState): string[] =>
  state.status === 'new' ? [] : [...state.nodes.entries()].filter(([, node]) => isOpen(node)).map(([path]) => path);

/** How many nodes beside a node have not ended. */
const remainingAround = (state: RunState, path: string): number | undefined =>
  isRunning(state) ? locate(state, path)?.frame.remaining : undefined;

/** A row of nodes: of those whose status is one of these, in a run that goes on. */
function ofNode<Of extends Extract<NewRunEvent, { data: { node: string } }>['type']>(
  statuses: readonly (NodeState['status'] | 'none')[],
  becomes: (
    after: NodeState | undefined,
    event: RunEventOf<Of>,
    before: NodeState | undefined,
    states: { before: RunState; after: RunState },
  ) => void,
  also: (before: NodeState | undefined, event: RunEventOf<Of>, state: RunningRun) => boolean = () => true,
): Row<Of> {
  const pathOf = (event: RunEventOf<Of>): string => (event as unknown as { data: { node: string } }).data.node;
  return {
    fits: (before, event) => {
      if (!isRunning(before) || !locate(before, pathOf(event))) return false;
      const node = nodeAt(before, pathOf(event));
      return statuses.includes(node?.status ?? 'none') && also(node, event, before);
    },
    becomes: (after, event, before) => {
      running(after);
      becomes(nodeAt(after, pathOf(event)), event, nodeAt(before, pathOf(event)), { before, after });
    },
  };
}

const progressOf = (node: NodeState | undefined): RunningNode['progress'] =>
  node?.status === 'running' ? node.progress : null;
const ended = (status: RunState['status']): Row<Type> => ({
  fits: isRunning,
  becomes: (after, event) => {
    expect(after).toMatchObject({ status, finishedAt: event.at });
    expect(openNodes(after)).toEqual([]);
  },
});
/** What takes an effect back is beside the graph: nothing waits for it. */
const settled = (path: string, { before, after }: { before: RunState; after: RunState }): void =>
  expect(remainingAround(after, path)).toBe(
    (remainingAround(before, path) ?? 0) - (path.endsWith('~compensate') ? 0 : 1),
  );

const row = <Of extends Type>(of: Row<Of>): Row => of as unknown as Row;

const rows: Readonly<Record<string, Row>> = {
  'new | RunStarted | running': row<'RunStarted'>({
    fits: ({ status }) => status === 'new',
    becomes: (after, { at, data }) => {
      const { runId, input, graph } = data;
      expect(running(after)).toMatchObject({
        runId,
        input,
        graph,
        startedAt: at,
        pausedAt: null,
        ending: null,
        steps: 0,
      });
      expect(openNodes(after)).toEqual([]);
    },
  }),
  'running | RunCompleted | completed': ended('completed'),
  'running | RunFailed | failed': ended('failed'),
  'running | RunCancelled | cancelled': ended('cancelled'),
  'running | RunPaused | paused': row<'RunPaused'>({
    fits: isRunning,
    becomes: (after, { at }, before) => expect(running(after).pausedAt).toBe(running(before).pausedAt ?? at),
  }),
  'paused | RunResumed | running': row<'RunResumed'>({
    fits: (before) => isRunning(before) && before.pausedAt !== null,
    becomes: (after, _event, before) => {
      expect(running(after)).toMatchObject({ pausedAt: null, held: [], isOverBudget: false });
      const { budgetRaises, isOverBudget } = running(before);
      expect(running(after).budgetRaises).toBe(budgetRaises + (isOverBudget ? 1 : 0));
    },
  }),
  'running | RunMigrated | running': row<'RunMigrated'>({
    fits: isRunning,
    becomes: (after, { data }) => expect(running(after).graph).toEqual(data.to),
  }),
  'any | RunMigrated | the same, in the other version': row<'RunMigrated'>({
    fits: isRunning,
    becomes: (after, _event, before) =>
      expect([...running(after).nodes.entries()]).toEqual([...running(before).nodes.entries()]),
  }),
  'an ended | RunRetried | running': row<'RunRetried'>({
    fits: ({ status }) => status !== 'new' && status !== 'running',
    becomes: (after, { data, at }) => {
      expect(running(after).retries).toContain(data.id);
      expect(running(after).retriedAt).toBe(at);
    },
  }),
  'any that is named | RunRetried | (none); its attempts go on counting': row<'RunRetried'>({
    fits: ({ status }) => status !== 'new' && status !== 'running',
    becomes: (after, { data }, before) => {
      for (const path of data.nodes) {
        const node = nodeAt(before, path);
        expect(nodeAt(after, path)).toBeUndefined();
        if (node && 'attempt' in node) expect(running(after).earlierAttempts.get(path)).toBe(node.attempt);
      }
    },
  }),
  'running | ThreadEntered | entered': row<'ThreadEntered'>({
    fits: (before) => isRunning(before) && before.thread?.status === 'waiting',
    becomes: (after, { data, at }) => {
      const { version, state } = data;
      expect(running(after)).toMatchObject({ thread: { status: 'entered', version, state }, allowedFrom: at });
    },
  }),
  'running | RunAdmitted | admitted': row<'RunAdmitted'>({
    fits: (before) => isRunning(before) && before.room?.isTaken === false,
    becomes: (after, { at }) => expect(running(after)).toMatchObject({ room: { isTaken: true }, allowedFrom: at }),
  }),
  'running | RunEnding | ending': row<'RunEnding'>({
    fits: isRunning,
    becomes: (after, { data }) => expect(running(after)).toMatchObject({ ending: data, pausedAt: null, held: [] }),
  }),
  '(none) | NodeScheduled | running, attempt 1': row(
    ofNode<'NodeScheduled'>(['none'], (after, { data, at }) =>
      expect(after).toMatchObject({ status: 'running', attempt: data.attempt, startedAt: at, progress: null }),
    ),
  ),
  'retrying | NodeScheduled | running, attempt n + 1': row(
    ofNode<'NodeScheduled'>(['retrying'], (after, { data }, before) => {
      const startedAt = before && 'startedAt' in before ? before.startedAt : '';
      expect(after).toMatchObject({ status: 'running', attempt: data.attempt, startedAt, progress: null });
    }),
  ),
  '(none) | NodeSkipped | skipped': row(
    ofNode<'NodeSkipped'>(['none'], (after, { data }, _before, states) => {
      expect(after).toEqual({ status: 'skipped', reason: data.reason });
      settled(data.node, states);
    }),
  ),
  'running | NodeCompleted | completed': row(
    ofNode<'NodeCompleted'>(['running'], (after, { data, at }, _before, states) => {
      expect(after).toMatchObject({ status: 'completed', output: data.output, finishedAt: at });
      settled(data.node, states);
      const spent = running(states.after).usage.costUsd - running(states.before).usage.costUsd;
      expect(spent).toBeCloseTo(data.usage?.costUsd ?? 0);
      const undo = data.compensate ? 1 : 0;
      expect(running(states.after).effects.length).toBe(running(states.before).effects.length + undo);
    }),
  ),
  'running | NodeRetryScheduled | retrying': row(
    ofNode<'NodeRetryScheduled'>(['running'], (after, { data }, before) => {
      const attempt = before && 'attempt' in before ? before.attempt : 0;
      expect(after).toMatchObject({ status: 'retrying', attempt, dueAt: data.dueAt, error: data.error });
    }),
  ),
  'running, retrying | NodeFailed | failed': row(
    ofNode<'NodeFailed'>(['running', 'retrying'], (after, { data, at }, _before, states) => {
      expect(after).toMatchObject({ status: 'failed', error: data.error, finishedAt: at });
      expect(openNodes(states.after).filter((path) => path.startsWith(`${data.node}[`))).toEqual([]);
    }),
  ),
  '(none) | NodeReused | completed, failed or skipped': row(
    ofNode<'NodeReused'>(['none'], (after, { data }, _before, states) => {
      expect(after?.status).toBe(data.end.status);
      settled(data.node, states);
    }),
  ),
  '| MapStarted | items known, none begun': row(
    ofNode<'MapStarted'>(['running'], (after) =>
      expect(progressOf(after)).toMatchObject({ kind: 'map', finished: 0, failures: [] }),
    ),
  ),
  'running map | MapStarted | running, unfolded': row(
    ofNode<'MapStarted'>(['running'], (after) => expect(progressOf(after)?.kind).toBe('map')),
  ),
  '| MapItemFailed | one more finished': row(
    ofNode<'MapItemFailed'>(
      ['running'],
      (after, { data }, before) => {
        const [now, then] = [progressOf(after), progressOf(before)];
        if (now?.kind !== 'map' || then?.kind !== 'map') throw new Error('It is no map.');
        expect(now.finished).toBe(then.finished + 1);
        expect(now.failures).toEqual([...then.failures, { index: data.index, error: data.error }]);
      },
      isOpenItem,
    ),
  ),
  'running map | MapItemFailed | running; inside the item cancelled': row(
    ofNode<'MapItemFailed'>(
      ['running'],
      (after, { data }, _before, states) => {
        expect(after?.status).toBe('running');
        expect(openNodes(states.after).filter((path) => path.startsWith(`${data.node}[${data.index}].`))).toEqual([]);
      },
      isOpenItem,
    ),
  ),
  '| LoopRoundStarted | round n': row(
    ofNode<'LoopRoundStarted'>(['running'], (after, { data }) =>
      expect(progressOf(after)).toMatchObject({ round: data.round }),
    ),
  ),
  'running loop | LoopRoundStarted | running, round n': row(
    ofNode<'LoopRoundStarted'>(['running'], (after) => expect(progressOf(after)?.kind).toBe('loop')),
  ),
  '| LoopRoundCompleted | its output is `previous`': row(
    ofNode<'LoopRoundCompleted'>(
      ['running'],
      (after, { data }) => expect(progressOf(after)).toMatchObject({ previous: data.output }),
      (before) => progressOf(before)?.kind === 'loop',
    ),
  ),
  'running loop | LoopRoundCompleted | running': row(
    ofNode<'LoopRoundCompleted'>(['running'], (after) => expect(after?.status).toBe('running')),
  ),
  'running wait | WaitStarted | running, waiting': row(
    ofNode<'WaitStarted'>(['running'], (after) => expect(progressOf(after)?.kind).toBe('wait')),
  ),
  'running approval | ApprovalRequested | running, waiting': row(
    ofNode<'ApprovalRequested'>(['running'], (after, { data }) =>
      expect(progressOf(after)).toEqual({ kind: 'approval', assignees: data.assignees }),
    ),
  ),
  'running worker | EffectBegun | running, claimed': row(
    ofNode<'EffectBegun'>(['running'], (after, { data }) =>
      expect(after).toMatchObject({ status: 'running', claim: data.claim }),
    ),
  ),
  'running worker | SlotsRequested | running, waiting': row(
    ofNode<'SlotsRequested'>(['running'], (after, { data }) => {
      expect(progressOf(after)).toEqual({ kind: 'slots' });
      expect(after).toMatchObject({ slots: { attempt: data.attempt, slots: data.slots } });
    }),
  ),
  'running worker | SlotsGranted | running': row(
    ofNode<'SlotsGranted'>(['running'], (after) => expect(after).toMatchObject({ status: 'running', progress: null })),
  ),
  'running worker | EffectUncertain | running, waiting': row(
    ofNode<'EffectUncertain'>(['running'], (after, { data }) =>
      expect(after).toMatchObject({
        deadlineAt: data.deadlineAt,
        progress: { kind: 'reconciliation', error: data.error },
      }),
    ),
  ),
};

/** Whether the item of a map that is said to have failed goes on. */
function isOpenItem(before: NodeState | undefined, { data }: RunEventOf<'MapItemFailed'>, state: RunningRun): boolean {
  const frame = state.frames.get(`${data.node}[${data.index}]`);
  return progressOf(before)?.kind === 'map' && frame !== undefined && frame.remaining > 0;
}

/** Names the trial that a check fails for. */
function told({ position, event }: Trial, check: () => void): void {
  try {
    check();
  } catch (cause) {
    throw new Error(`${JSON.stringify(event)} after ${position} events`, { cause });
  }
}

const eventOf = (key: string): string => key.split('|')[1]?.trim() ?? '';
const fitsIn = (key: string, trial: Trial): boolean =>
  eventOf(key) === trial.event.type && (rows[key]?.fits(stateOf(trial).state, trial.event) ?? false);

describe('the table of evolve', () => {
  it('has a property for each of its rows, and none without a row', () => {
    const keys = rowsOfEvents(`${import.meta.dirname}/evolve.ts`);
    expect(keys.length).toBeGreaterThan(25);
    expect(Object.keys(rows).sort()).toEqual(keys.sort());
  });

  it.each(Object.entries(rows))('%s', (key, { becomes }) => {
    const fitting = trials.filter((trial) => fitsIn(key, trial));
    expect(fitting.length).toBeGreaterThan(0);
    for (const trial of fitting) {
      const { before, after } = tried(trial);
      told(trial, () => becomes(after, trial.event, before));
    }
  });

  it('has no row for what changes nothing', () => {
    const withRow = new Set(Object.keys(rows).map(eventOf));
    const unfit = trials.filter((trial) => {
      if (trial.event.type === 'SignalReceived' || trial.event.type === 'SignalConsumed') return false;
      if (!withRow.has(trial.event.type)) return true;
      return !Object.keys(rows).some((key) => fitsIn(key, trial));
    });
    expect(unfit.length).toBeGreaterThan(500);
    for (const trial of unfit) {
      const { before, after } = tried(trial);
      // Looking at a place may begin the frame that it is in; these two are not looked at.
      const isSeen = trial.event.type !== 'ApprovalDecided' && trial.event.type !== 'EventEmitted';
      if (isSeen && isRunning(before) && 'node' in trial.event.data) locate(before, trial.event.data.node ?? '');
      told(trial, () => expect(snapshotOf(after)).toEqual(snapshotOf(before)));
    }
  });
});
