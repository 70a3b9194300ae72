/** Puts the orchestrator together, and starts and stops its parts in their order. */
import type { Database } from '@millrace/database';
import type { Clock } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import type { Logger } from '@millrace/telemetry';
import { ApprovalReader } from './approval/approval.reader.js';
import type { OrchestratorConfig } from './config.js';
import { newCounts, type OrchestratorCounts } from './counts.js';
import { FollowedRuns } from './following/followed-runs.js';
import { GraphLibrary } from './graph/graph-library.js';
import { GraphStore } from './graph/graph.store.js';
import { readShippedGraphs } from './graph/shipped-graphs.js';
import { CommitMeter } from './measuring/commit-meter.js';
import { measureOrchestrator } from './measuring/measure-orchestrator.js';
import { LeaseBook } from './partition/lease-book.js';
import { LeaseStore } from './partition/lease.store.js';
import { Ownership } from './partition/ownership.js';
import { PartitionInbox } from './partition/partition-inbox.js';
import { PublicationLedger } from './publication/publication-ledger.js';
import { Publisher } from './publication/publisher.js';
import { announcing } from './publication/run-messages.js';
import { Republisher } from './publication/republisher.js';
import { RepublishingRounds } from './publication/republishing-rounds.js';
import { HotRuns } from './run/hot-runs.js';
import { RunCommands } from './run/run-commands.js';
import { RunLoader } from './run/run.loader.js';
import { RunReader } from './run/run.reader.js';
import { RunStore } from './run/run.store.js';
import { RunWriter } from './run/run.writer.js';
import { TaskResults } from './run/task-results.js';
import type { OrchestratorTables } from './schema/tables.js';
import { RunTimers } from './timer/run-timers.js';
import { TimerStore } from './timer/timer.store.js';

export interface OrchestratorPlatform {
  readonly database: Database<OrchestratorTables>;
  readonly bus: MessageBus;
  readonly config: OrchestratorConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Publishes under way before batches wait. */
const maxPublishes = 4_096;
/** Messages of one partition at once; the gather queue bounds all of them together. */
const maxInFlightPerPartition = 2_048;
const batchLimits = { maxItems: 500, maxBytes: 8 * 1024 * 1024 };
const maxTimersInMemory = 10_000;

export class Orchestrator {
  readonly counts: OrchestratorCounts = newCounts();
  readonly graphs: GraphStore;
  readonly runs: RunCommands;
  readonly reader: RunReader;
  readonly approvals: ApprovalReader;
  private readonly writer: RunWriter;
  private readonly ownership: Ownership;
  private readonly timers: RunTimers;
  private readonly republishing: RepublishingRounds;
  private readonly stopMeasuring: () => void;

  constructor(platform: OrchestratorPlatform) {
    const { database, bus, config, clock, logger } = platform;
    const { counts } = this;
    const monotonicNow = (): number => performance.now();
    const onFailure = (message: string, error: unknown): void => logger.warn({ err: error }, message);

    const runStore = new RunStore(database);
    this.graphs = new GraphStore(database);
    const library = new GraphLibrary(this.graphs);
    const loader = new RunLoader(runStore, library, ({ runId }, error) =>
      onFailure(`Run ${runId} cannot be folded.`, error),
    );
    const hotRuns = new HotRuns(config.hotRunBytes);
    const ledger = new PublicationLedger();
    const leases = new LeaseBook(config.replica, monotonicNow, (partition) => {
      hotRuns.dropPartition(partition);
      ledger.forget(partition);
      inbox.close(partition).catch((error: unknown) => onFailure('A subscription could not be ended.', error));
    });
    const followed = new FollowedRuns();
    const announce = announcing({ steps: config.announceSteps });
    const publisher = new Publisher(bus, ledger, announce, followed, maxPublishes, (error) => {
      counts.failedPublishes += 1;
      onFailure('A message could not be published; its run is published again from its events.', error);
    });
    this.writer = new RunWriter(
      {
        ...{ store: runStore, loader, hotRuns, leases, ledger, publisher, counts, clock, onFailure },
        meter: new CommitMeter(),
        random: Math.random,
        onCommitted: (turns) => this.timers.note(turns),
      },
      { waiting: { maxItems: config.maxWaiting, maxBytes: config.maxWaitingBytes }, batch: batchLimits },
    );
    this.reader = new RunReader(database, library);
    this.approvals = new ApprovalReader(database);
    this.runs = new RunCommands({ graphs: library, writer: this.writer, reader: this.reader, leases, bus, counts });
    const results = new TaskResults(this.writer, counts, config.maxOutputBytes);
    const inbox = new PartitionInbox(
      bus,
      {
        onResult: (message) => results.receive(message),
        onDelivery: (message) => this.runs.deliver(message),
        onFollowed: (message) => followed.hear(message),
      },
      maxInFlightPerPartition,
    );
    this.timers = new RunTimers(
      new TimerStore(database),
      leases,
      clock,
      { pollMs: config.timerPollMs, maxInMemory: maxTimersInMemory },
      async ({ key, timer }) => {
        const answer = await this.writer.submit(key, { type: 'timer', timer }, 0);
        if (answer.kind !== 'applied') counts.staleTimers += 1;
      },
      onFailure,
    );
    const republisher = new Republisher(runStore, loader, bus, ledger, announce, (tasks) => {
      counts.republishedTasks += tasks;
    });
    this.republishing = new RepublishingRounds(republisher, leases, clock, config.reconcileAfterMs, onFailure);
    this.ownership = new Ownership(
      {
        ...{ book: leases, inbox, ledger, clock, monotonicNow, onFailure },
        store: new LeaseStore(database, config.replica, config.leaseMs),
        quiet: (partition) => this.writer.quiet(partition),
        onAcquired: () => {
          void this.timers.poll();
          this.republishing.wake();
        },
      },
      config.leaseMs,
    );
    this.stopMeasuring = measureOrchestrator({
      ...{ counts, leases, ledger, publisher, hotRuns, bus, clock },
      ...{ writer: this.writer, timers: this.timers, store: runStore },
    });
  }

  /** Seeds the shipped graphs, takes partitions over and begins to work. */
  async start(): Promise<void> {
    await this.graphs.seedShipped(await readShippedGraphs());
    this.timers.start();
    this.republishing.start();
    await this.ownership.start();
  }

  /** Takes nothing new, answers what was taken, publishes what it can, and hands the partitions back. */
  async stop(): Promise<void> {
    this.stopMeasuring();
    this.timers.stop();
    await this.ownership.stop();
    await this.republishing.stop();
  }
}
