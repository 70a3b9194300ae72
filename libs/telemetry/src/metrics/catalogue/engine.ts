import { metricName } from '../../names.js';
import { counter, gauge, histogram } from '../instruments.js';
import { oneOf, upTo } from '../label-values.js';
import { durationBounds, longDurationBounds, taskKinds } from './sets.js';

const from = 'orchestrator';
const ownPartitions = 'orchestrator, each replica of its own partitions';
const endStates = oneOf('completed', 'failed', 'cancelled');

export const runsStarted = counter({
  name: metricName.runsStarted,
  unit: '{run}',
  description: 'Runs that were stored',
  labels: {},
  from,
});

export const runsEnded = counter({
  name: metricName.runsEnded,
  unit: '{run}',
  description: 'Runs that reached their end, by how',
  labels: { 'millrace.run.status': endStates },
  from,
});

export const runsRetried = counter({
  name: metricName.runsRetried,
  unit: '{run}',
  description: 'Runs that had ended and were let go on; each ends once more',
  labels: {},
  from,
});

export const runsRemoved = counter({
  name: metricName.runsRemoved,
  unit: '{run}',
  description: 'Runs that had ended and were removed, for their age or on request',
  labels: {},
  from,
});

export const runDuration = histogram(
  {
    name: metricName.runDuration,
    unit: 's',
    description: 'From the start of a run, or its last retry, to its end',
    labels: { 'millrace.run.status': endStates },
    from,
  },
  longDurationBounds,
);

export const runsUnfinished = gauge({
  name: metricName.runsUnfinished,
  unit: '{run}',
  description: 'Runs that go on, by the state that is stored of them',
  labels: { 'millrace.run.status': upTo(12, 'the states of a run') },
  from: ownPartitions,
});

export const runOldestAge = gauge(
  {
    name: metricName.runOldestAge,
    unit: 's',
    description: 'How long ago the oldest run that goes on began, 0 where there is none',
    labels: {},
    from: ownPartitions,
  },
  'max',
);

export const tasksScheduled = counter({
  name: metricName.tasksScheduled,
  unit: '{task}',
  description: 'Attempts of nodes that were decided on, repeats included',
  labels: { 'millrace.task.kind': taskKinds },
  from,
});

export const retriesScheduled = counter({
  name: metricName.retriesScheduled,
  unit: '{retry}',
  description: 'Attempts that failed and that the graph lets be repeated',
  labels: {},
  from,
});

export const engineIgnoredMessages = counter({
  name: metricName.engineIgnoredMessages,
  unit: '{message}',
  description:
    'Messages that changed nothing: starts that came again, results with a stale fence or of unknown runs, timers that were too late',
  labels: { 'millrace.reason': oneOf('repeated-start', 'stale-result', 'unknown-run', 'stale-timer') },
  from,
});

export const engineWaiting = gauge({
  name: metricName.engineWaiting,
  unit: '{message}',
  description: 'Messages that wait for the next commit',
  labels: {},
  from,
});

export const engineEvents = counter({
  name: metricName.engineEvents,
  unit: '{event}',
  description: 'Events of runs that were committed, by type',
  labels: { 'millrace.event.type': upTo(60, 'the types of run events') },
  from,
});

export const engineCommitDuration = histogram(
  {
    name: metricName.engineCommitDuration,
    unit: 's',
    description: 'How long the commit of a batch took',
    labels: { 'millrace.outcome': oneOf('stored', 'conflict', 'data', 'unavailable') },
    from,
  },
  durationBounds,
);

export const engineCommitSize = histogram(
  { name: metricName.engineCommitSize, unit: '{event}', description: 'Events in a committed batch', labels: {}, from },
  [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500],
);

export const engineFencedCommits = counter({
  name: metricName.engineFencedCommits,
  unit: '{partition}',
  description: 'Partitions of a batch that were not written because another replica owns them now',
  labels: {},
  from,
});

export const engineHotRuns = gauge({
  name: metricName.engineHotRuns,
  unit: '{run}',
  description: 'Runs in memory, ended ones included',
  labels: {},
  from,
});

export const engineTimers = gauge({
  name: metricName.engineTimers,
  unit: '{timer}',
  description: 'Timers in memory: those that are due soon',
  labels: {},
  from,
});

export const publicationTurns = gauge({
  name: metricName.publicationTurns,
  unit: '{task}',
  description: 'Tasks that wait for the turn of their tenant and priority, because their queue is long',
  labels: {},
  from,
});

export const publicationsUnderWay = gauge({
  name: metricName.publicationsUnderWay,
  unit: '{message}',
  description: 'Messages of committed events that the bus has not stored yet',
  labels: {},
  from,
});

export const publicationDebts = gauge({
  name: metricName.publicationDebts,
  unit: '{partition}',
  description: 'Partitions of which something committed may be unpublished, and is published again',
  labels: {},
  from: ownPartitions,
});

export const publicationLag = gauge(
  {
    name: metricName.publicationLag,
    unit: 's',
    description: 'How far publishing is behind the commits: the age of the oldest batch or debt that is not published',
    labels: {},
    from: ownPartitions,
  },
  'max',
);

export const publicationFailures = counter({
  name: metricName.publicationFailures,
  unit: '{message}',
  description: 'Messages of committed events that the bus did not store at the first try',
  labels: {},
  from,
});

export const publicationRepeats = counter({
  name: metricName.publicationRepeats,
  unit: '{task}',
  description: 'Tasks that were published again from the events',
  labels: {},
  from,
});

export const partitionsHeld = gauge({
  name: metricName.partitionsHeld,
  unit: '{partition}',
  description: 'Partitions whose lease this replica holds; over all replicas there are 16',
  labels: {},
  from: ownPartitions,
});

export const partitionChanges = counter({
  name: metricName.partitionChanges,
  unit: '{change}',
  description: 'Leases that this replica took over, gave back or lost',
  labels: { 'millrace.change': oneOf('acquired', 'handed-back', 'lost') },
  from,
});
