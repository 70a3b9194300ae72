/**
 * Which subjects each service uses, in one page: what is not listed here NATS refuses it. The rule of ARCHITECTURE.md in
 * data: gateways ask and listen, the orchestrator decides, workers take tasks of their kinds and answer to partitions.
 */
import {
  browserTask,
  databaseTask,
  evaluateTask,
  httpTask,
  llmTask,
  openWorkerSubjects,
  routeTask,
  searchTask,
  toolTask,
  type TaskContract,
} from '@millrace/contracts';
import type { StreamName } from '../topology.js';

export interface BusAccess {
  /** Requests that it sends. */
  readonly asks?: readonly string[];
  /** Of those that `asks` and `publishes` would allow, the ones it may not send. */
  readonly never?: readonly string[];
  /** Requests that it answers. */
  readonly answers?: readonly string[];
  /** What it stores in a stream, or sends to whoever listens now. */
  readonly publishes?: readonly string[];
  /** What it sees pass. */
  readonly hears?: readonly string[];
  /** Streams that it reads from any position. */
  readonly follows?: readonly StreamName[];
  /** Tasks that it takes; what it cannot work on it writes to their dead letters. */
  readonly worksOn?: readonly TaskContract[];
  /** Whether it brings streams up to date that an older version declared. */
  readonly updatesStreams?: boolean;
  /** Whether it makes the consumers of programs that tenants run themselves. */
  readonly opensCustomWorkers?: boolean;
  /** Whether it counts what the consumers of all services still have to do, for metrics. */
  readonly inspectsConsumers?: boolean;
}

const commandsOf = (owner: string): string => `cmd.${owner}.*.*.*`;
const mailboxes = 'cmd.orchestrator.*.deliver.*';

/** What everybody needs who works on tasks. */
const worker = (worksOn: readonly TaskContract[]) =>
  ({
    worksOn,
    asks: ['result.*.*'],
    publishes: ['live.*.tokens', 'live.*.beats'],
    hears: ['evt.*.run.cancelled.*'],
  }) satisfies BusAccess;

export const serviceAccess = {
  gateway: {
    asks: ['orchestrator', 'research', 'llm-provider', 'evaluation', 'toolbox'].map(commandsOf),
    never: [mailboxes],
    answers: [commandsOf('gateway')],
    // The end of a stream of tokens, for readers that wait for it; that a run is followed; that nobody waits for a model's
    // answer any more; and what tenants publish themselves.
    publishes: ['live.*.tokens', 'live.*.followed', 'live.*.stop', 'evt.*.custom.>'],
    hears: ['live.*.*', 'evt.>'],
    follows: ['LIVE', 'EVENTS'],
  },
  orchestrator: {
    asks: [mailboxes],
    answers: [commandsOf('orchestrator'), 'result.*.*', 'result.worker.*.*.*.*', openWorkerSubjects],
    publishes: ['task.*.*', 'task.worker.*.*.*', 'evt.*.run.*.*', 'live.*.events', 'live.*.ended'],
    follows: ['EVENTS'],
    hears: ['live.*.followed', 'live.*.beats'],
    updatesStreams: true,
    opensCustomWorkers: true,
    inspectsConsumers: true,
  },
  research: {
    ...worker([searchTask, browserTask]),
    answers: [commandsOf('research')],
    publishes: ['live.*.tokens', 'live.*.beats', 'evt.*.document.*.*'],
  },
  'llm-provider': {
    ...worker([llmTask, routeTask]),
    answers: [commandsOf('llm-provider')],
    publishes: ['live.*.tokens', 'live.*.beats', 'live.*.pieces'],
    hears: ['evt.*.run.cancelled.*', 'live.*.stop'],
  },
  evaluation: {
    ...worker([evaluateTask]),
    asks: ['result.*.*', 'cmd.research.citation.resolve.*'],
    answers: [commandsOf('evaluation')],
  },
  toolbox: { ...worker([toolTask, httpTask, databaseTask]), answers: [commandsOf('toolbox')] },
} satisfies Readonly<Record<string, BusAccess>>;

export type ServiceName = keyof typeof serviceAccess;
