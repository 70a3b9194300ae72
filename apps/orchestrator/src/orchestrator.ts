/** Puts the orchestrator together, and starts and stops its parts in their order. */
import type { Clock } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import { runsRemoved, type Logger } from '@millrace/telemetry';
import { SlotGranter } from './concurrency/slot-granter.js';
import type { OrchestratorConfig } from './config.js';
import { newCounts, type OrchestratorCounts } from './counts.js';
import { TaskDispatcher } from './dispatch/task-dispatcher.js';
import { EventClock } from './event-wait/event-clock.js';
import { EventWaits } from './event-wait/event-waits.js';
import { FollowedRuns } from './following/followed-runs.js';
import { GraphLibrary } from './graph/graph-library.js';
import type { NewGraphVersion } from './graph/graph.store.js';
import { WatchedTasks } from './idle/watched-tasks.js';
import { CommitMeter } from './measuring/commit-meter.js';
import { measureOrchestrator } from './measuring/measure-orchestrator.js';
import { OutputCache } from './output-cache/output-cache.js';
import { LeaseBook } from './partition/lease-book.js';
import { Ownership } from './partition/ownership.js';
import { PartitionInbox } from './partition/partition-inbox.js';
import { PublicationLedger } from './publication/publication-ledger.js';
import { Publisher } from './publication/publisher.js';
import { announcing } from './publication/run-messages.js';
import { Republisher } from './publication/republisher.js';
import { RepublishingRounds } from './publication/republishing-rounds.js';
import { CustomWorkers } from './custom-worker/custom-workers.js';
import { Retention } from './retention/retention.js';
import { HotRuns } from './run/hot-runs.js';
import { RunCommands } from './run/run-commands.js';
import { ResultsTogether } from './run/results-together.js';
import { RunRecorder } from './run/run-recorder.js';
import { RunLoader } from './run/run.loader.js';
import { RunWriter } from './run/run.writer.js';
import { TaskResults } from './run/task-results.js';
import { Scheduler } from './schedule/scheduler.js';
import { Schedules } from './schedule/schedules.js';
import type { OrchestratorStores } from './schema/stores.js';
import { ThreadLines } from './thread/thread-lines.js';
import { ThreadTurns } from './thread/thread-turns.js';
import { Threads } from './thread/threads.js';
import { RunTimers } from './timer/run-timers.js';

export interface OrchestratorPlatform {
  readonly stores: OrchestratorStores;
  readonly bus: MessageBus;
  readonly config: OrchestratorConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The graphs that come with Millrace. */
  readonly shippedGraphs: readonly NewGraphVersion[];
}

/** Publishes under way before batches wait. */
const maxPublishes = 4_096;
/** Messages of one partition at once; the gather queue bounds all of them together. */
const maxInFlightPerPartition = 2_048;
const batchLimits = { maxItems: 500, maxBytes: 8 * 1024 * 1024 };
const maxTimersInMemory = 10_000;
/** Tasks that wait for their turn at most; beyond that they go to their queues as they come. */
const maxHeldTasks = 5_000;
/** How often a queue is looked at while tasks wait for their turn. */
const lookAtQueueMs = 25;
const removedRuns = runsRemoved.at({});

export class Orchestrator {
  readonly counts: OrchestratorCounts = newCounts();
  readonly graphs: OrchestratorStores['graphs'];
  readonly runs: RunCommands;
  readonly reader: ReturnType<OrchestratorStores['reader']>;
  readonly approvals: OrchestratorStores['approvals'];
  private readonly writer: RunWriter;
  private readonly ownership: Ownership;
  readonly schedules: Schedules;
  readonly threads: Threads;
  readonly recorder: RunRecorder;
  private readonly scheduler: Scheduler;
  private readonly retention: Retention;
  private readonly timers: RunTimers;
  private readonly eventWaits: EventWaits;
  private readonly watched: WatchedTasks;
  private readonly granter: SlotGranter;
  private readonly dispatcher: TaskDispatcher;
  private readonly turns: ThreadTurns;
  private readonly republishing: RepublishingRounds;
  private readonly workers: CustomWorkers;
  private readonly together: ResultsTogether;
  private readonly stopMeasuring: () => void;

  constructor(private readonly platform: OrchestratorPlatform) {
    const { stores, bus, config, clock, logger } = platform;
    const { counts } = this;
    const monotonicNow = (): number => performance.now();
    const onFailure = (message: string, error: unknown): void => logger.warn({ err: error }, message);

    this.graphs = stores.graphs;
    const library = new GraphLibrary(stores.graphs);
    const loader = new RunLoader(stores.runs, library, ({ runId }, error) =>
      onFailure(`Run ${runId} cannot be folded.`, error),
    );
    const hotRuns = new HotRuns(config.hotRunBytes);
    const ledger = new PublicationLedger();
    const leases = new LeaseBook(config.replica, monotonicNow, (partition) => {
      hotRuns.dropPartition(partition);
      this.dispatcher.forgetPartition(partition);
      ledger.forget(partition);
      this.watched.forget(partition);
      this.eventWaits.forget(partition);
      inbox.close(partition).catch((error: unknown) => onFailure('A subscription could not be ended.', error));
    });
    const weights = config.tenantWeights;
    const dispatching = { burst: config.taskBurst, maxHeld: maxHeldTasks, lookMs: lookAtQueueMs };
    this.dispatcher = new TaskDispatcher(
      bus,
      { ...dispatching, weightOf: (tenantId) => weights.get(tenantId) ?? 1 },
      monotonicNow,
      onFailure,
    );
    const followed = new FollowedRuns();
    const announce = announcing({ steps: config.announceSteps });
    const outputs = new OutputCache({
      ...{ store: stores.outputs, onFailure },
      complete: (key, { node, attempt, worker }, outcome) =>
        this.writer.submit(key, { type: 'task-result', node, attempt, worker, outcome }, 0),
    });
    const together = new ResultsTogether(
      { replica: config.replica, began: clock.now() },
      {
        ...{ bus, onFailure, maxInFlight: maxInFlightPerPartition },
        take: (tenantId, result) => results.takeResult(tenantId, result),
      },
    );
    this.together = together;
    const publisher = new Publisher(
      bus,
      ledger,
      this.dispatcher,
      announce,
      followed,
      outputs,
      together.subject,
      maxPublishes,
      (error) => {
        counts.failedPublishes += 1;
        onFailure('A message could not be published; its run is published again from its events.', error);
      },
    );
    this.writer = new RunWriter(
      {
        ...{ store: stores.runs, loader, hotRuns, leases, ledger, publisher, counts, clock, onFailure },
        meter: new CommitMeter(),
        events: new EventClock(bus, onFailure),
        random: Math.random,
        onCommitted: (turns) => {
          this.timers.note(turns);
          this.eventWaits.note(turns);
          this.granter.note(turns);
          this.turns.note(turns);
          outputs.note(turns);
        },
      },
      { waiting: { maxItems: config.maxWaiting, maxBytes: config.maxWaitingBytes }, batch: batchLimits },
    );
    this.reader = stores.reader(library);
    this.approvals = stores.approvals;
    this.runs = new RunCommands({
      ...{ graphs: library, loader, writer: this.writer, reader: this.reader, leases, bus, counts },
      lines: new ThreadLines(stores.threads, clock, onFailure),
      remove: (key) => this.retention.removeNow(key),
    });
    this.retention = new Retention({
      ...{ store: stores.removals, leases, writer: this.writer, onFailure },
      ...{ policy: config.retention, everyMs: config.retentionMs },
      onRemoved: (keys) => {
        removedRuns.add(keys.length);
        // A late message for one of them finds that it has ended.
        for (const key of keys) hotRuns.keepEnded(key);
      },
    });
    this.recorder = new RunRecorder(loader, stores.graphs, this.reader);
    this.threads = new Threads(stores.threadStates, clock);
    this.schedules = new Schedules(stores.schedules, library, clock);
    this.scheduler = new Scheduler({
      ...{ store: stores.schedules, runs: this.runs, clock, pollMs: config.timerPollMs, onFailure },
      find: (tenantId, runId) => this.reader.get(tenantId, runId),
      isOn: () => leases.holds(0),
    });
    const results = new TaskResults(this.writer, counts, config.maxOutputBytes);
    this.watched = new WatchedTasks(monotonicNow, ({ key, node, attempt }) => {
      this.writer
        .submit(key, { type: 'task-idle', node, attempt }, 0)
        .catch((error: unknown) => onFailure('An idle task could not be failed; its worker may still answer.', error));
    });
    this.granter = new SlotGranter({
      ...{ store: stores.slots, leases, onFailure, sweepMs: config.timerPollMs },
      tell: ({ key, node, attempt }) => this.writer.submit(key, { type: 'slots-granted', node, attempt }, 0),
    });
    this.turns = new ThreadTurns({
      ...{ store: stores.threads, leases, clock, onFailure, sweepMs: config.timerPollMs },
      tell: ({ key, ...turn }) => this.writer.submit(key, { type: 'thread-entered', ...turn }, 0),
      cancel: (context, interruption) => this.runs.cancel(context, interruption),
    });
    const inbox = new PartitionInbox(
      bus,
      {
        onResult: (message) => results.receive(message),
        onCustomResult: (message) => results.receiveCustom(message),
        onDelivery: (message) => this.runs.deliver(message),
        onFollowed: (message) => followed.hear(message),
        onBeat: (message) => this.watched.hear(message),
      },
      maxInFlightPerPartition,
    );
    this.workers = new CustomWorkers(bus);
    this.eventWaits = new EventWaits({
      ...{ bus, store: stores.eventWaits, onFailure },
      has: (partition) => leases.held().some((lease) => lease.partition === partition),
      take: async ({ key, wait: { node, attempt } }, event) => {
        await this.writer.submit(key, { type: 'event', node, attempt, event }, JSON.stringify(event).length);
      },
    });
    this.timers = new RunTimers(
      stores.timers,
      leases,
      clock,
      { pollMs: config.timerPollMs, maxInMemory: maxTimersInMemory },
      async ({ key, timer }) => {
        const answer = await this.writer.submit(key, { type: 'timer', timer }, 0);
        if (answer.kind !== 'applied') counts.staleTimers += 1;
      },
      onFailure,
    );
    const republisher = new Republisher(
      stores.runs,
      loader,
      bus,
      ledger,
      this.dispatcher,
      announce,
      together.subject,
      (tasks) => {
        counts.republishedTasks += tasks;
      },
    );
    this.republishing = new RepublishingRounds(republisher, leases, clock, config.reconcileAfterMs, onFailure);
    this.ownership = new Ownership(
      {
        ...{ book: leases, inbox, ledger, clock, monotonicNow, onFailure },
        store: stores.leases(config.replica, config.leaseMs),
        quiet: (partition) => this.writer.quiet(partition),
        onAcquired: (partitions) => {
          void this.timers.poll();
          void this.eventWaits.takeOver(partitions);
          this.republishing.wake();
        },
      },
      config.leaseMs,
    );
    this.stopMeasuring = measureOrchestrator({
      ...{ counts, leases, ledger, publisher, hotRuns, bus, clock },
      dispatcher: this.dispatcher,
      ...{ writer: this.writer, timers: this.timers, store: stores.runs },
    });
  }

  /** Tasks that wait for their turn. */
  get waitingTasks(): number {
    return this.dispatcher.held;
  }

  /** Seeds the shipped graphs, takes partitions over and begins to work. */
  async start(): Promise<void> {
    await this.graphs.seedShipped(this.platform.shippedGraphs);
    this.timers.start();
    this.granter.start();
    this.turns.start();
    this.republishing.start();
    await this.workers.start();
    await this.together.start();
    await this.ownership.start();
    this.scheduler.start();
    this.retention.start();
  }

  /** Takes nothing new, answers what was taken, publishes what it can, and hands the partitions back. */
  async stop(): Promise<void> {
    this.stopMeasuring();
    await this.retention.stop();
    await this.scheduler.stop();
    this.timers.stop();
    this.eventWaits.stop();
    this.watched.stop();
    this.granter.stop();
    this.turns.stop();
    await this.workers.stop();
    await this.together.stop();
    await this.ownership.stop();
    this.dispatcher.stop();
    await this.republishing.stop();
  }
}
