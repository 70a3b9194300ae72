/**
 * The one writer of a replica: gathers messages while a commit is in flight, decides them against hot runs, and commits
 * the batch in one statement.
 *
 * 1. One batch at a time; a run's messages are decided in the order of their arrival.
 * 2. An answer is given only after the commit of what it says; what committed is published after that.
 * 3. A hot run that is ahead of the store is never kept: a batch that was not committed drops its runs.
 * 4. A batch fails alone: what is wrong with one run is found by halving, and its neighbours are committed.
 * 5. What was decided on the memory of one epoch of a lease is written and kept in that epoch only: a partition may be lost and taken over
 *    again while a batch is under way.
 * 6. Where a commit's outcome is unknown, its partitions are in debt, so that what it may have stored is published.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { toMillraceError, type Clock } from '@millrace/kernel';
import { inSharedSpans, inSpan, outsideTraces, type Span } from '@millrace/telemetry';
import type { PublicationLedger } from '../publication/publication-ledger.js';
import type { Publisher } from '../publication/publisher.js';
import type { LeaseBook } from '../partition/lease-book.js';
import type { OrchestratorCounts } from '../counts.js';
import { cacheRequests } from '@millrace/telemetry';
import type { OrchestratorStores } from '../schema/stores.js';
import type { CommitMeter } from '../measuring/commit-meter.js';
import { rowsOf, type BatchRows } from './batch-rows.js';
import { describeCommit, noteBatch, traceparentOfSpan } from './commit-span.js';
import type { EventClock } from '../event-wait/event-clock.js';
import { failureOf, movedPartition, refused, unstorable } from './commit-failure.js';
import { GatherQueue, type GatherLimits } from './gather-queue.js';
import { keyText, type RunKey } from './hot-run.js';
import type { HotRuns } from './hot-runs.js';
import { UnfoldableRunError, type RunLoader } from './run.loader.js';
import { restAfter } from './pacing.js';
import type { RunWork } from './run-input.js';
import { takeTurn, type FoundRun, type RunAnswer, type Turn } from './turn.js';

export interface WriterParts {
  readonly store: OrchestratorStores['runs'];
  readonly loader: RunLoader;
  readonly hotRuns: HotRuns;
  readonly leases: LeaseBook;
  readonly ledger: PublicationLedger;
  readonly publisher: Publisher;
  readonly counts: OrchestratorCounts;
  readonly meter: CommitMeter;
  readonly events: Pick<EventClock, 'position' | 'refresh'>;
  readonly clock: Clock;
  readonly random: () => number;
  /** Hears of every committed batch, before anything else is decided. */
  readonly onCommitted: (turns: readonly Turn[]) => void;
  readonly onFailure: (message: string, error: unknown) => void;
}

export interface WriterLimits {
  readonly waiting: GatherLimits;
  readonly batch: GatherLimits;
}

/** How a batch stands to the leases of its partitions. */
interface Standing {
  readonly isHeld: (partition: number) => boolean;
  /** Whether the lease was never lost since the batch was begun. */
  readonly isSameEpoch: (partition: number) => boolean;
}

type Groups = ReadonlyMap<string, Item[]>;

interface Item {
  readonly key: RunKey;
  readonly work: RunWork;
  readonly bytes: number;
  /** Where its trace is recorded. */
  readonly span: Span | undefined;
  readonly resolve: (answer: RunAnswer) => void;
  readonly reject: (error: unknown) => void;
}

const conflictsInARow = 3;
const hits = cacheRequests.at({ 'millrace.cache': 'hot-runs', 'millrace.result': 'hit' });
const misses = cacheRequests.at({ 'millrace.cache': 'hot-runs', 'millrace.result': 'miss' });

export class RunWriter {
  private readonly queue: GatherQueue<Item>;
  private working: Promise<void> | null = null;
  /** What is to be done between two batches. */
  private readonly interludes: (() => Promise<void>)[] = [];
  /** By partition: how many messages are undecided, and who waits until there are none. */
  private readonly undecided = new Map<number, number>();
  private waitingForQuiet: { readonly partition: number; readonly resolve: () => void }[] = [];

  constructor(
    private readonly parts: WriterParts,
    private readonly limits: WriterLimits,
  ) {
    this.queue = new GatherQueue(limits.waiting);
  }

  /**
   * Hands in a message for a run; `bytes` is its size, roughly. Resolves after the commit.
   * @throws MillraceError `orchestrator_overloaded`, `partition_moved`, `database_unavailable` (all retryable);
   *   `unstorable_input` for a command that the database refuses. A timer or result that it refuses ends the run.
   */
  async submit(key: RunKey, work: RunWork, bytes: number): Promise<RunAnswer> {
    if (!this.parts.leases.owns(key.partition)) throw movedPartition();
    try {
      return await inSpan(
        () => describeCommit(key, work),
        (span) =>
          new Promise<RunAnswer>((resolve, reject) => {
            this.enqueue({ key, work, bytes, span, resolve, reject });
          }),
      );
    } finally {
      this.settled(key.partition);
    }
  }

  /** Does something to stored runs while no batch is decided or under way. Batches wait for it, so it must be short. */
  apart<Result>(work: () => Promise<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.interludes.push(() => work().then(resolve, reject));
      this.working ??= outsideTraces(() => this.workOff());
    });
  }

  /** Messages that wait for the next batch. */
  get waiting(): number {
    return this.queue.size;
  }

  /** Resolves when nothing that was handed in for a partition is undecided. */
  quiet(partition: number): Promise<void> {
    if (!this.undecided.has(partition)) return Promise.resolve();
    return new Promise((resolve) => this.waitingForQuiet.push({ partition, resolve }));
  }

  private enqueue(item: Item): void {
    const { partition } = item.key;
    this.undecided.set(partition, (this.undecided.get(partition) ?? 0) + 1);
    try {
      this.queue.add(item);
    } catch (error) {
      this.parts.counts.overloads += 1;
      throw error;
    }
    this.working ??= outsideTraces(() => this.workOff());
  }

  private settled(partition: number): void {
    const left = (this.undecided.get(partition) ?? 1) - 1;
    if (left > 0) return void this.undecided.set(partition, left);
    this.undecided.delete(partition);
    const waiting = this.waitingForQuiet.filter((each) => each.partition === partition);
    if (waiting.length === 0) return;
    this.waitingForQuiet = this.waitingForQuiet.filter((each) => each.partition !== partition);
    for (const { resolve } of waiting) resolve();
  }

  private async workOff(): Promise<void> {
    // One turn of the event loop, so that everything that has arrived already shares the batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.queue.size > 0 || this.interludes.length > 0) {
      await this.interludes.shift()?.();
      if (this.queue.size === 0) continue;
      await this.parts.publisher.room();
      const items = this.queue.take(this.limits.batch);
      const began = performance.now();
      await this.settle(items, 0).catch((error: unknown) => {
        this.parts.onFailure('A batch could not be decided.', error);
        rejectAll(items, refused(error));
      });
      const tookMs = performance.now() - began;
      const restMs = restAfter({ items: items.length, tookMs, waiting: this.queue.size });
      if (restMs > 0) await pause(restMs);
    }
    this.working = null;
  }

  /** Decides, commits and answers; every item is answered or rejected when it resolves. */
  private settle(items: readonly Item[], conflicts: number): Promise<void> {
    return inSharedSpans(
      items.map(({ span }) => span),
      () => this.settleTogether(items, conflicts),
    );
  }

  private async settleTogether(items: readonly Item[], conflicts: number): Promise<void> {
    const groups = byRun(items);
    const epochOf = this.epochsOf(items);
    const isSameEpoch = (partition: number): boolean => this.parts.leases.epochOf(partition) === epochOf(partition);
    const isOurs = (partition: number): boolean => this.parts.leases.holds(partition) && isSameEpoch(partition);
    const found = await this.find(groups, { verify: conflicts > 0, isSameEpoch });
    if (mayAwaitEvents(groups, found)) await this.parts.events.refresh();
    // Only now: the ledger says that all before a moment is published, unless a batch of that moment is open.
    const at = this.parts.clock.now();
    const turns = this.decideAll(groups, found, at.toISOString());
    const rows = rowsOf(turns);
    if (rows === null) {
      return this.finish(turns, groups, { isHeld: isOurs, isSameEpoch });
    }
    const batch = this.parts.ledger.openBatch(at, rows.partitions);
    const beganAt = performance.now();
    let held: ReadonlySet<number>;
    try {
      held = await this.parts.store.commit(rows, this.parts.leases.claim(rows.partitions, epochOf));
    } catch (error) {
      this.parts.meter.failed(beganAt, failureOf(error));
      for (const turn of turns) this.parts.hotRuns.drop(turn.key);
      const decided = turns.flatMap((turn) => groups.get(keyText(turn.key)) ?? []);
      try {
        await this.recover(decided, { error, conflicts, at, rows });
      } finally {
        batch.close();
      }
      return;
    }
    for (const partition of rows.partitions)
      if (!held.has(partition) && isSameEpoch(partition)) this.parts.leases.lost(partition);
    const isHeld = (partition: number): boolean =>
      rows.partitions.has(partition) ? held.has(partition) : isOurs(partition);
    this.finish(turns, groups, { isHeld, isSameEpoch });
    const stored = turns.filter((turn) => held.has(turn.key.partition));
    this.parts.meter.stored(beganAt, stored, rows.partitions.size - held.size);
    this.parts.counts.batches += 1;
    this.parts.onCommitted(stored);
    this.parts.publisher.publishBatch(stored, at, batch);
  }

  /** The epochs in which the partitions of some items are held now. */
  private epochsOf(items: readonly Item[]): (partition: number) => number {
    const epochs = new Map(
      items.map(({ key: { partition } }) => [partition, this.parts.leases.epochOf(partition)] as const),
    );
    return (partition) => epochs.get(partition) ?? -1;
  }

  /**
   * The runs of a batch, from memory or from the store. A start expects none, until a conflict says otherwise; only a retry
   * needs what an ended run was like.
   */
  private async find(
    groups: Groups,
    { verify, isSameEpoch }: { readonly verify: boolean } & Pick<Standing, 'isSameEpoch'>,
  ): Promise<ReadonlyMap<string, FoundRun | UnfoldableRunError>> {
    const found = new Map<string, FoundRun | UnfoldableRunError>();
    const missing: RunKey[] = [];
    const retried: RunKey[] = [];
    for (const [text, items] of groups) {
      const [first] = items;
      if (first === undefined) continue;
      const hot = this.parts.hotRuns.find(first.key);
      const isRetried = items.some(({ work }) => work.type === 'retry');
      if (isRetried && (hot === undefined || hot === 'ended')) {
        misses.add(1);
        retried.push(first.key);
      } else if (hot !== undefined) {
        hits.add(1);
        found.set(text, hot);
      } else if (first.work.type === 'start' && !verify) found.set(text, 'unknown');
      else missing.push(first.key);
    }
    misses.add(missing.length);
    const loaded = await this.parts.loader.load(missing);
    for (const key of missing) {
      const run = loaded.get(keyText(key)) ?? 'unknown';
      if (run === 'ended' && isSameEpoch(key.partition)) this.parts.hotRuns.keepEnded(key);
      found.set(keyText(key), run);
    }
    if (retried.length > 0) await this.findRetried(retried, found);
    return found;
  }

  private async findRetried(keys: readonly RunKey[], found: Map<string, FoundRun | UnfoldableRunError>): Promise<void> {
    const loaded = await this.parts.loader.load(keys, { andEnded: true });
    for (const key of keys) found.set(keyText(key), loaded.get(keyText(key)) ?? 'unknown');
  }

  /** Lets each run take its turn. A run that cannot is rejected here; its neighbours go on. */
  private decideAll(groups: Groups, found: ReadonlyMap<string, FoundRun | UnfoldableRunError>, now: string): Turn[] {
    const turns: Turn[] = [];
    const circumstances = { now, random: this.parts.random, eventPosition: this.parts.events.position };
    for (const [text, items] of groups) {
      const [first] = items;
      const run = found.get(text) ?? 'unknown';
      if (first === undefined) continue;
      try {
        if (run instanceof UnfoldableRunError) throw run;
        const works = items.map((item) => item.work);
        for (const { span } of items) if (span !== undefined) noteBatch(span, groups.size, run);
        const traceparents = items.map(({ span }) => traceparentOfSpan(span));
        turns.push(takeTurn(first.key, run, works, { ...circumstances, traceparents }));
      } catch (error) {
        this.parts.hotRuns.drop(first.key);
        this.parts.onFailure(`Run ${first.key.runId} could not be decided.`, error);
        rejectAll(items, toMillraceError(error));
      }
    }
    return turns;
  }

  /**
   * Keeps and answers what was written. What a deposed owner still had in hand was not: it is dropped, and its callers come
   * again. An answer without a write (stale, unknown) rests on memory, so it is given only while the lease is surely held.
   */
  private finish(turns: readonly Turn[], groups: Groups, { isHeld, isSameEpoch }: Standing): void {
    for (const turn of turns) {
      const { partition } = turn.key;
      const items = groups.get(keyText(turn.key)) ?? [];
      if (isHeld(partition)) {
        this.parts.counts.events += turn.events.length;
        if (turn.run !== null && isSameEpoch(partition)) this.parts.hotRuns.keep(turn.run);
        items.forEach((item, index) => item.resolve(turn.answers[index] ?? { kind: 'unchanged' }));
      } else {
        this.parts.hotRuns.dropPartition(partition);
        rejectAll(items, movedPartition());
      }
    }
  }

  private async recover(
    items: readonly Item[],
    failure: { error: unknown; conflicts: number; at: Date; rows: BatchRows },
  ): Promise<void> {
    const { error, conflicts, at, rows } = failure;
    const kind = failureOf(error);
    if (kind === 'conflict' && conflicts < conflictsInARow) return await this.settle(items, conflicts + 1);
    if (kind === 'unavailable') {
      for (const partition of rows.partitions) this.parts.ledger.owe(partition, { since: at, tasks: 'since' });
      this.parts.onFailure('A batch could not be committed.', error);
      return rejectAll(items, refused(error));
    }
    return await this.settleApart(items, error);
  }

  /** Finds what the database refuses by halving; items of one run stay in order. */
  private async settleApart(items: readonly Item[], error: unknown): Promise<void> {
    const [only] = items;
    if (only === undefined) return;
    if (items.length > 1) {
      const half = Math.ceil(items.length / 2);
      await this.settle(items.slice(0, half), 1);
      return await this.settle(items.slice(half), 1);
    }
    this.parts.onFailure(`The database refused what run ${only.key.runId} was to store.`, error);
    const instead = failureOf(error) === 'data' ? unstorable(only.work) : null;
    if (instead === null) return only.reject(refused(error));
    await this.settle([{ ...only, work: instead }], 1);
  }
}

/** Whether a wait for an event may begin in a batch: only then is it asked where the events are. */
function mayAwaitEvents(groups: Groups, found: ReadonlyMap<string, FoundRun | UnfoldableRunError>): boolean {
  for (const [text, items] of groups) {
    const run = found.get(text);
    if (typeof run === 'object' && 'graph' in run && run.graph.compiled.awaitsEvents) return true;
    if (
      items.some(({ work }) => (work.type === 'start' || work.type === 'migrate') && work.graph.compiled.awaitsEvents)
    )
      return true;
  }
  return false;
}

function byRun(items: readonly Item[]): Groups {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const text = keyText(item.key);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [item]);
    else group.push(item);
  }
  return groups;
}

function rejectAll(items: readonly Item[], error: unknown): void {
  for (const item of items) item.reject(error);
}
