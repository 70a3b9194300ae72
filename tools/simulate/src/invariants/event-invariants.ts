/**
 * What must hold for every event that is stored, against the run as it was before. Each gives what is wrong, or nothing.
 * A new promise about what may happen in a run is a line here, or in `policy-invariants.ts` where a policy of the graph makes it.
 */
import { terminalEventTypes, type RunEvent, type RunEventOf } from '@millrace/contracts';
import { undoneBy, type Attempt, type RunHistory } from './run-history.js';

export interface EventInvariant {
  readonly invariant: string;
  readonly says: string;
  readonly broken: (run: RunHistory, event: RunEvent) => string | undefined;
}

const attemptOf = (run: RunHistory, event: RunEvent): Attempt | undefined =>
  'node' in event.data && event.data.node !== undefined ? run.attempts.get(event.data.node) : undefined;

const earlierThan = (event: RunEvent, dueAt: string | undefined): string | undefined =>
  dueAt !== undefined && event.at < dueAt ? `${event.type} at ${event.at}, due at ${dueAt}` : undefined;

/** Whether the end of a run begins with this event because its time is up. */
const endsByItsLimit = ({ state }: RunHistory, event: RunEvent): boolean => {
  if (event.type === 'RunEnding') return event.data.outcome === 'failed' && event.data.error.code === 'run_timeout';
  const isBegun = state.status === 'running' && state.ending !== null;
  return event.type === 'RunFailed' && !isBegun && event.data.error.code === 'run_timeout';
};

const beginnings: ReadonlySet<RunEvent['type']> = new Set<RunEvent['type']>([
  'NodeScheduled',
  'NodeSkipped',
  'LoopRoundStarted',
  'RunCompleted',
]);

export const eventInvariants: readonly EventInvariant[] = [
  {
    invariant: 'I1',
    says: 'nothing happens to a run that has ended, unless it is tried again',
    broken: ({ end }, event) =>
      (event.type === 'RunRetried') === (end !== undefined)
        ? undefined
        : `${event.type} after ${end?.type ?? 'no end'}`,
  },
  {
    invariant: 'I2',
    says: 'events are numbered from 1 without a gap',
    broken: ({ position }, event) =>
      event.position === position + 1 ? undefined : `position ${event.position} after ${position}`,
  },
  {
    invariant: 'I2',
    says: 'a run begins once, with its first event',
    broken: ({ position }, event) =>
      (event.type === 'RunStarted') === (position === 0) ? undefined : `${event.type} after position ${position}`,
  },
  {
    invariant: 'I2',
    says: 'an attempt begins after the one before it is to be tried again, and has the next number',
    broken: (run, event) => {
      if (event.type !== 'NodeScheduled') return undefined;
      const before = attemptOf(run, event);
      const isNext = before === undefined ? event.data.attempt === 1 : event.data.attempt === before.attempt + 1;
      const mayBegin = before === undefined || before.state === 'retrying';
      return isNext && mayBegin ? undefined : `attempt ${event.data.attempt} of ${event.data.node}, ${before?.state}`;
    },
  },
  {
    invariant: 'I4',
    says: 'only the running attempt of a node ends',
    broken: (run, event) => {
      if (event.type !== 'NodeCompleted' && event.type !== 'NodeFailed' && event.type !== 'NodeRetryScheduled') return;
      const running = attemptOf(run, event);
      if (running?.attempt === event.data.attempt && running.state !== 'ended') return undefined;
      return `${event.type} of attempt ${event.data.attempt} of ${event.data.node}, which is ${JSON.stringify(running)}`;
    },
  },
  {
    invariant: 'I4',
    says: 'what a task gives is kept as what its own attempt gave',
    broken: (run, event) => {
      if (event.type !== 'NodeCompleted') return undefined;
      const made = /made by (\S+?)"/.exec(JSON.stringify(event.data.output));
      const own = `${run.text.split('/')[1]}:${event.data.node}:${event.data.attempt}`;
      const isTask = event.data.usage !== undefined;
      return !isTask || made?.[1] === own ? undefined : `${own} has the output of ${made?.[1]}`;
    },
  },
  {
    invariant: 'timers',
    says: 'a retry begins once, and not early',
    broken: (run, event) =>
      event.type === 'NodeScheduled' ? earlierThan(event, attemptOf(run, event)?.dueAt) : undefined,
  },
  {
    invariant: 'timers',
    says: 'a wait ends not early',
    broken: (run, event) =>
      event.type === 'NodeCompleted' ? earlierThan(event, attemptOf(run, event)?.dueAt) : undefined,
  },
  {
    invariant: 'timers',
    says: 'a time limit strikes not early',
    broken: (run, event) => {
      if (event.type === 'ApprovalDecided' && event.data.by.kind === 'deadline')
        return earlierThan(event, attemptOf(run, event)?.deadlineAt);
      if (endsByItsLimit(run, event))
        return earlierThan(event, new Date(run.beganAt + (run.graph.timeoutMs ?? Infinity)).toISOString());
      const attempt = attemptOf(run, event);
      const isTimeout = event.type === 'NodeFailed' && event.data.error.code === 'timeout';
      return isTimeout && attempt?.state !== 'parked' ? earlierThan(event, attempt?.deadlineAt) : undefined;
    },
  },
  {
    invariant: 'pause',
    says: 'nothing begins while a run is paused',
    broken: ({ isPaused }, event) => (isPaused && beginnings.has(event.type) ? `${event.type} in a pause` : undefined),
  },
  {
    invariant: 'threads',
    says: 'nothing of a run begins before its turn in its thread',
    broken: ({ isQueued }, event) => (isQueued && beginnings.has(event.type) ? `${event.type} in line` : undefined),
  },
  {
    invariant: 'I5',
    says: 'a signal arrives once',
    broken: ({ signals }, event) =>
      event.type === 'SignalReceived' && signals.has(event.data.id) ? `signal ${event.data.id} again` : undefined,
  },
];

/** What else is noted of an event, by its type. */
const notes: { readonly [Type in RunEvent['type']]?: (run: RunHistory, event: RunEventOf<Type>) => void } = {
  NodeScheduled: (run, { data: { node, attempt, deadlineAt } }) => {
    run.begun.add(node);
    if (attempt === 1 && undoneBy(node) !== undefined) run.effects = run.effects.slice(0, -1);
    run.attempts.set(node, { attempt, deadlineAt, dueAt: undefined, state: 'running' });
  },
  NodeReused: ({ begun }, { data }) => begun.add(data.node),
  NodeSkipped: ({ attempts, begun }, { data }) => {
    begun.add(data.node);
    change(attempts, data.node, { state: 'ended' });
  },
  MapStarted: ({ items }, { data }) => items.set(data.node, data.count),
  MapItemFailed: ({ failedItems }, { data }) => failedItems.add(`${data.node}[${data.index}]`),
  NodeRetryScheduled: ({ attempts }, { data: { node, dueAt, deadlineAt } }) =>
    change(attempts, node, { state: 'retrying', dueAt, ...(deadlineAt !== undefined && { deadlineAt }) }),
  SlotsRequested: ({ slots, holders }, { data }) => {
    slots.set(data.node, data.slots);
    // It may have had room before its run was tried again.
    holders.delete(data.node);
  },
  SlotsGranted: ({ holders }, { data }) => holders.add(data.node),
  EffectBegun: ({ claims }, { data }) => claims.add(`${data.node}:${data.attempt}`),
  EffectUncertain: ({ attempts }, { data }) =>
    change(attempts, data.node, { deadlineAt: data.deadlineAt, state: 'parked' }),
  WaitStarted: ({ attempts }, { data }) => change(attempts, data.node, { dueAt: data.until }),
  NodeCompleted: (run, { data }) => {
    change(run.attempts, data.node, { state: 'ended' });
    if (data.compensate === undefined) return;
    const { node, attempt } = data;
    const key = run.keys.get(`${node}:${attempt}`);
    const others = run.effects.filter((each) => key === undefined || each.node !== node || each.key !== key);
    run.effects = [...others, { node, key }];
  },
  NodeFailed: ({ attempts }, { data }) => change(attempts, data.node, { state: 'ended' }),
  SignalReceived: ({ signals }, { data }) => signals.add(data.id),
  RunRetried: (run, { data }) => {
    run.end = undefined;
    const isAgain = (path: string): boolean => data.nodes.some((node) => path === node || path.startsWith(`${node}[`));
    for (const path of run.attempts.keys())
      if (isAgain(path)) change(run.attempts, path, { state: 'retrying', dueAt: undefined });
    for (const paths of [run.begun, run.failedItems])
      for (const path of [...paths]) if (isAgain(path)) paths.delete(path);
  },
};

const change = (attempts: Map<string, Attempt>, node: string, changes: Partial<Attempt>): void => {
  const attempt = attempts.get(node);
  if (attempt !== undefined) Object.assign(attempt, changes);
};

/** Notes an event that was found in order. */
export function noteEvent(run: RunHistory, event: RunEvent): void {
  (notes[event.type] as ((run: RunHistory, event: RunEvent) => void) | undefined)?.(run, event);
  if (terminalEventTypes.has(event.type)) run.end = event;
  run.add(event);
}
