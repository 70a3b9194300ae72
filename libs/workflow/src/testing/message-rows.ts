/**
 * What each row of the table in `decide.ts` says, as a model of its own: of which messages it speaks, and what follows. The keys are
 * the rows' own words.
 */
import { expect } from '@jest/globals';
import type { NewRunEvent } from '@millrace/contracts';
import { isWorker } from '../compile/compiled-graph.js';
import { checkInput } from '../engine/check-input.js';
import { locate } from '../engine/location.js';
import { refusalOf } from '../engine/refusal.js';
import type { RunningNode, RunningRun, RunState } from '../engine/state.js';
import {
  ends,
  failure,
  first,
  is,
  isRunning,
  isUncertain,
  limitPassed,
  mayTryAgain,
  named,
  type Of,
  runningWorker,
  timerOf,
  type Tried,
  waitsFor,
} from './row-model.js';

/** What a row says: of which messages it speaks, and what happens. `effect` rows speak of what happens, whatever the message is. */
interface Row {
  readonly speaksOf: (trial: Tried) => boolean;
  readonly happens: (tried: Tried) => void;
  /** Whether it speaks of what follows from the other rows. */
  readonly besides?: true;
}

export const messageRows: Readonly<Record<string, Row>> = {
  'start the run is new': {
    speaksOf: ({ state, message, graph }) =>
      is(message, 'start') &&
      state.status === 'new' &&
      !message.fork &&
      message.thread === undefined &&
      graph.concurrency.length === 0 &&
      'input' in checkInput(graph, message.input),
    happens: ({ events, graph }) => {
      expect(events[0]?.type).toBe('RunStarted');
      const begun = events.flatMap(({ type, data }) =>
        /^Node(Scheduled|Skipped)$/.test(type) && 'node' in data ? [data.node] : [],
      );
      const isHeld = events.some(({ type }) => type === 'RunPaused' || type === 'RunFailed');
      for (const { id } of graph.root.roots) if (!isHeld) expect(begun).toContain(id);
    },
  },
  'it belongs to a thread': {
    speaksOf: ({ state, message, graph }) =>
      is(message, 'start') &&
      state.status === 'new' &&
      !message.fork &&
      message.thread !== undefined &&
      'input' in checkInput(graph, message.input),
    happens: ({ events, message }) =>
      expect(events).toMatchObject([
        { type: 'RunStarted', data: is(message, 'start') ? { thread: message.thread } : {} },
      ]),
  },
  'it shares keys as a whole': {
    speaksOf: ({ state, message, graph }) =>
      is(message, 'start') &&
      state.status === 'new' &&
      !message.fork &&
      message.thread === undefined &&
      graph.concurrency.length > 0 &&
      'input' in checkInput(graph, message.input),
    happens: ({ events }) => {
      expect(events).toMatchObject([{ type: 'RunStarted', data: { slots: [{ limit: 2 }] } }]);
    },
  },
  'it is a fork': {
    speaksOf: ({ state, message }) => is(message, 'start') && state.status === 'new' && message.fork !== undefined,
    happens: ({ events, message }) => {
      const reused = is(message, 'start') ? (message.fork?.reused ?? []) : [];
      expect(events.slice(0, 1 + reused.length).map(({ type }) => type)).toEqual([
        'RunStarted',
        ...reused.map(() => 'NodeReused'),
      ]);
      expect(events.slice(1, 1 + reused.length).map(({ data }) => data)).toEqual(reused);
    },
  },
  'its input does not fit the graph': {
    speaksOf: ({ state, message, graph }) =>
      is(message, 'start') && state.status === 'new' && 'violations' in checkInput(graph, message.input),
    happens: ({ events }) =>
      expect(events).toMatchObject([
        { type: 'RunStarted' },
        { type: 'RunFailed', data: { error: { code: 'invalid_input' } } },
      ]),
  },
  'task-result completed, of the running attempt': {
    speaksOf: (trial) => {
      const found = runningWorker(trial);
      return (
        found !== null &&
        is(trial.message, 'task-result') &&
        trial.message.outcome.status === 'completed' &&
        trial.message.worker === found.compiled.worker
      );
    },
    happens: (tried) =>
      expect(first(tried)).toMatchObject({ type: 'NodeCompleted', data: { node: named(tried)?.path } }),
  },
  'failed, and may be tried again in time': {
    speaksOf: (trial) => {
      const found = is(trial.message, 'task-result') ? failure(trial) : null;
      return found !== null && !isUncertain(found, found.error.kind) && mayTryAgain(trial, found);
    },
    happens: ({ events, message }) =>
      expect(events).toMatchObject([
        { type: 'NodeRetryScheduled', data: 'node' in message ? { node: message.node } : {} },
      ]),
  },
  'failed for good': {
    speaksOf: (trial) => {
      const found = is(trial.message, 'task-result') ? failure(trial) : null;
      return found !== null && !isUncertain(found, found.error.kind) && !mayTryAgain(trial, found);
    },
    happens: (tried) => expect(first(tried)).toMatchObject({ type: 'NodeFailed', data: { node: named(tried)?.path } }),
  },
  'task-idle the running attempt, of a node that has a limit': {
    speaksOf: (trial) => {
      const found = is(trial.message, 'task-idle') ? failure(trial) : null;
      return found !== null && !isUncertain(found, found.error.kind);
    },
    happens: (tried) => {
      const found = failure(tried);
      const type = found && mayTryAgain(tried, found) ? 'NodeRetryScheduled' : 'NodeFailed';
      expect(first(tried)).toMatchObject({ type, data: { node: found?.path, error: { code: 'idle_timeout' } } });
    },
  },
  'timer retry the node is retrying, after this attempt, and the run is not paused': {
    speaksOf: (trial) => timerOf(trial, 'retry') && named(trial)?.node.status === 'retrying' && !isPaused(trial.state),
    happens: (tried) => {
      const found = named(tried);
      expect(first(tried)).toMatchObject({
        type: 'NodeScheduled',
        data: { node: found?.path, attempt: (found?.node.attempt ?? 0) + 1 },
      });
    },
  },
  'timer timeout the node is running or retrying, of this attempt, and its limit has passed': {
    speaksOf: (trial) => {
      const found = limitPassed(trial);
      if (!found || found.compiled.kind === 'approval' || waitsFor(trial, 'reconciliation')) return false;
      return found.node.status === 'retrying' || !isUncertain({ ...found, node: found.node as RunningNode }, 'timeout');
    },
    happens: (tried) =>
      expect(first(tried)).toMatchObject({
        type: 'NodeFailed',
        data: { node: named(tried)?.path, error: { code: 'timeout' } },
      }),
  },
  'the node is an approval': {
    speaksOf: (trial) => {
      const found = limitPassed(trial);
      return found !== null && (found.compiled.kind === 'approval' || waitsFor(trial, 'reconciliation'));
    },
    happens: ({ events, message }) => {
      expect(events[0]).toMatchObject({
        type: 'ApprovalDecided',
        data: { outcome: expect.stringMatching(/^(approved|rejected|expired)$/), by: { kind: 'deadline' } },
      });
      ends(events[1], 'node' in message ? message.node : '');
    },
  },
  'timer wait the node waits for this moment': {
    speaksOf: (trial) => timerOf(trial, 'wait') && waitsFor(trial, 'wait'),
    happens: (tried) =>
      expect(first(tried)).toMatchObject({ type: 'NodeCompleted', data: { node: named(tried)?.path } }),
  },
  'run-timeout the run is running, of this generation': {
    speaksOf: ({ state, message, graph }) =>
      is(message, 'timer') &&
      message.timer === 'run-timeout' &&
      isRunning(state) &&
      graph.timeoutMs !== null &&
      message.attempt === state.retries.length,
    happens: ({ events, state }) => {
      if (isRunning(state) && state.effects.length === 0)
        expect(events).toMatchObject([{ type: 'RunFailed', data: { error: { code: 'run_timeout' } } }]);
      else expect(events[0]?.type).toBe('RunEnding');
    },
  },
  'signal the run is running, the signal is new to it': {
    speaksOf: ({ state, message, graph }) =>
      is(message, 'signal') &&
      isRunning(state) &&
      !state.signals.some(({ id }) => id === message.id) &&
      refusalOf(graph, state, message) === null,
    happens: ({ events, message, state }) => {
      expect(events[0]).toMatchObject({
        type: 'SignalReceived',
        data: is(message, 'signal') ? { id: message.id, name: message.name } : {},
      });
      const consumed = events[1];
      if (consumed?.type !== 'SignalConsumed') return;
      expect(isRunning(state) && state.nodes.get(consumed.data.node)).toMatchObject({ progress: { kind: 'wait' } });
      expect(events[2]).toMatchObject({ type: 'NodeCompleted', data: { node: consumed.data.node } });
    },
  },
  'event the node waits for one of its subject, and it passes the filter': {
    speaksOf: (trial) => is(trial.message, 'event') && waitsFor(trial, 'wait') && orderOf(trial.message) === 'A',
    happens: (tried) =>
      expect(first(tried)).toMatchObject({ type: 'NodeCompleted', data: { node: named(tried)?.path } }),
  },
  'decision the node asks for it, of whom, in this form': {
    speaksOf: (trial) =>
      is(trial.message, 'decision') &&
      waitsFor(trial, 'approval') &&
      refusalOf(trial.graph, trial.state, trial.message) === null,
    happens: ({ events, message }) => {
      const outcome = is(message, 'decision') && message.decision === 'approve' ? 'approved' : 'rejected';
      expect(events[0]).toMatchObject({ type: 'ApprovalDecided', data: { outcome, by: { kind: 'key' } } });
      ends(events[1], 'node' in message ? message.node : '');
    },
  },
  'what would begin an attempt beyond the budget': {
    besides: true,
    speaksOf: ({ events }) => events.some(isOverBudget),
    happens: ({ events, graph }) => {
      const what = { pause: 'RunPaused', fail: 'RunFailed', degrade: 'NodeSkipped' }[graph.budget?.onExceed ?? 'fail'];
      expect(graph.budget).not.toBeNull();
      expect(new Set(events.filter(isOverBudget).map(({ type }) => type))).toEqual(new Set([what]));
    },
  },
  'pause the run is running, and not paused': {
    speaksOf: ({ state, message }) =>
      is(message, 'pause') && isRunning(state) && state.pausedAt === null && state.ending === null,
    happens: ({ events }) => expect(events).toMatchObject([{ type: 'RunPaused' }]),
  },
  'resume the run is paused': {
    speaksOf: ({ state, message }) => is(message, 'resume') && isRunning(state) && state.pausedAt !== null,
    happens: ({ events, after: fold }) => {
      expect(events[0]?.type).toBe('RunResumed');
      const after = fold();
      expect(isRunning(after) ? after.held : []).toEqual([]);
    },
  },
  'slots-granted the running attempt waits for room, and the run is not paused': {
    speaksOf: (trial) => is(trial.message, 'slots-granted') && waitsFor(trial, 'slots') && !isPaused(trial.state),
    happens: ({ events }) => expect(events).toMatchObject([{ type: 'SlotsGranted' }]),
  },
  'task-begin the running attempt has no claim, and needs one': {
    speaksOf: (trial) => {
      const found = is(trial.message, 'task-begin') ? runningWorker(trial) : null;
      return (
        found !== null &&
        is(trial.message, 'task-begin') &&
        trial.message.worker === found.compiled.worker &&
        found.node.claim === undefined &&
        found.compiled.effect !== null &&
        found.compiled.effect.key === null
      );
    },
    happens: ({ events, message }) =>
      expect(events).toMatchObject([
        { type: 'EffectBegun', data: is(message, 'task-begin') ? { node: message.node, claim: message.claim } : {} },
      ]),
  },
  'what fails an attempt and does not tell whether an effect happened that must not happen twice': {
    speaksOf: (trial) => {
      const failed = failure(trial);
      if (failed && isUncertain(failed, failed.error.kind)) return failed.node.progress === null;
      const late = limitPassed(trial);
      return (
        late?.node.status === 'running' &&
        late.node.progress === null &&
        isUncertain({ ...late, node: late.node }, 'timeout')
      );
    },
    happens: ({ events, message }) =>
      expect(events).toMatchObject([
        { type: 'EffectUncertain', data: 'node' in message ? { node: message.node } : {} },
      ]),
  },
  'decision the node waits for somebody to tell that': {
    speaksOf: (trial) =>
      is(trial.message, 'decision') &&
      waitsFor(trial, 'reconciliation') &&
      refusalOf(trial.graph, trial.state, trial.message) === null,
    happens: ({ events, message }) => {
      if (!is(message, 'decision')) throw new Error('It is no decision.');
      expect(events[0]?.type).toBe('ApprovalDecided');
      const again = message.data['again'] === true ? 'NodeRetryScheduled' : 'NodeFailed';
      expect(events[1]).toMatchObject({
        type: message.decision === 'approve' ? 'NodeCompleted' : again,
        data: { node: message.node },
      });
    },
  },
  'migrate the run is running, on another version, and what it has done fits that version': {
    speaksOf: ({ state, message, graph }) =>
      is(message, 'migrate') &&
      isRunning(state) &&
      state.graph.digest !== message.migration.to.digest &&
      refusalOf(graph, state, message) === null,
    happens: ({ events, message }) =>
      expect(events[0]).toMatchObject({
        type: 'RunMigrated',
        data: is(message, 'migrate') ? { to: message.migration.to } : {},
      }),
  },
  'cancel the run is running': {
    speaksOf: ({ state, message }) => is(message, 'cancel') && isRunning(state),
    happens: ({ events, state }) => {
      if (!isRunning(state) || state.ending !== null || hasEffects(state)) return;
      expect(events).toMatchObject([{ type: 'RunCancelled' }]);
    },
  },
  'what fails or cancels a run with effects to take back': {
    besides: true,
    speaksOf: ({ events }) => events.some(({ type }) => type === 'RunEnding'),
    happens: ({ events, state, graph }) => {
      expect(graph.compensates).toBe(true);
      expect(events.some(({ type }) => /^Run(Failed|Cancelled|Completed)$/.test(type))).toBe(false);
      const begun = events.slice(events.findIndex(({ type }) => type === 'RunEnding') + 1);
      expect(begun.length).toBeLessThanOrEqual(1);
      for (const { type, data } of begun) {
        expect(type).toBe('NodeScheduled');
        expect('node' in data && data.node).toMatch(/~compensate$/);
      }
      expect(isRunning(state) && hasEffects(state)).toBe(true);
    },
  },
  'retry the run has ended, the retry is new to it': {
    speaksOf: ({ state, message, graph }) =>
      is(message, 'retry') &&
      state.status !== 'new' &&
      !isRunning(state) &&
      !state.retries.includes(message.id) &&
      refusalOf(graph, state, message) === null,
    happens: ({ events, message, state }) => {
      expect(events[0]).toMatchObject({ type: 'RunRetried', data: is(message, 'retry') ? { id: message.id } : {} });
      // In a thread it waits for its turn, and with keys of its own for room.
      const waits = state.status !== 'new' && (state.room !== undefined || (state.thread?.status ?? 'read') !== 'read');
      if (!waits) expect(events.length).toBeGreaterThan(1);
    },
  },
  'thread-entered the run waits for its turn, in this generation, and is not paused': {
    speaksOf: ({ state, message }) =>
      is(message, 'thread-entered') &&
      isRunning(state) &&
      state.thread?.status === 'waiting' &&
      state.ending === null &&
      state.retries.length === message.generation &&
      !isPaused(state),
    happens: ({ events, message }) => {
      const { version, state } = message as Of<'thread-entered'>;
      expect(events[0]).toMatchObject({ type: 'ThreadEntered', data: { version, state } });
      expect(events.length).toBeGreaterThan(1);
    },
  },
  'slots-granted the run waits for room, in this generation, and is not paused': {
    speaksOf: ({ state, message }) =>
      is(message, 'slots-granted') &&
      message.node === '' &&
      isRunning(state) &&
      state.room?.isTaken === false &&
      state.ending === null &&
      state.retries.length === message.attempt &&
      !isPaused(state),
    happens: ({ events }) => {
      expect(events[0]).toMatchObject({ type: 'RunAdmitted' });
      expect(events.length).toBeGreaterThan(1);
    },
  },
  'anything else (a stale attempt, an unknown node, an ended run, a task of another program)': {
    speaksOf: (tried) =>
      !Object.entries(messageRows).some(
        ([key, { speaksOf, besides }]) => !besides && !key.startsWith('anything else') && speaksOf(tried),
      ),
    happens: ({ events }) => expect(events).toEqual([]),
  },
};

const isPaused = (state: RunState): boolean => isRunning(state) && state.pausedAt !== null;
const orderOf = ({ event }: Of<'event'>): unknown => (event['data'] as { order?: unknown } | undefined)?.order;
const isOverBudget = (event: NewRunEvent): boolean =>
  (event.type === 'RunPaused' && event.data.overBudget === true) ||
  (event.type === 'RunFailed' && event.data.error.code === 'budget_exceeded') ||
  (event.type === 'NodeSkipped' && event.data.reason === 'over-budget');
/** Whether something took effect that can be taken back, or is about to. */
const hasEffects = (state: RunningRun): boolean =>
  state.effects.length > 0 ||
  [...state.nodes.entries()].some(([path, { status }]) => {
    const node = locate(state, path)?.node;
    return status === 'running' && node !== undefined && isWorker(node) && node.effect !== null;
  });
