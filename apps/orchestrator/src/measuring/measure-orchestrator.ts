/**
 * Shows the state of an orchestrator with every scrape. Each replica reads the runs of its own partitions, so that all of them
 * together ask the database for each run once, however many they are; what belongs to nobody, such as the streams, is read by
 * the one that holds partition 0.
 */
import type { MessageBus } from '@millrace/messaging';
import {
  collectionFailures,
  engineHotRuns,
  engineIgnoredMessages,
  engineTimers,
  engineWaiting,
  overloadRefusals,
  partitionsHeld,
  publicationDebts,
  publicationFailures,
  publicationLag,
  publicationRepeats,
  publicationTurns,
  publicationsUnderWay,
  runOldestAge,
  runsUnfinished,
  sampleAtScrapes,
} from '@millrace/telemetry';
import type { Clock } from '@millrace/kernel';
import type { OrchestratorCounts } from '../counts.js';
import type { TaskDispatcher } from '../dispatch/task-dispatcher.js';
import type { LeaseBook } from '../partition/lease-book.js';
import type { PublicationLedger } from '../publication/publication-ledger.js';
import type { Publisher } from '../publication/publisher.js';
import type { HotRuns } from '../run/hot-runs.js';
import type { RunWriter } from '../run/run.writer.js';
import type { OrchestratorStores } from '../schema/stores.js';
import type { RunTimers } from '../timer/run-timers.js';
import { measureStreams } from './measure-streams.js';

export interface MeasuredParts {
  readonly counts: OrchestratorCounts;
  readonly leases: LeaseBook;
  readonly ledger: PublicationLedger;
  readonly publisher: Publisher;
  readonly dispatcher: TaskDispatcher;
  readonly hotRuns: HotRuns;
  readonly writer: RunWriter;
  readonly timers: RunTimers;
  readonly store: OrchestratorStores['runs'];
  readonly bus: MessageBus;
  readonly clock: Clock;
}

const everyMs = 15_000;
const timeoutMs = 2_000;

/** @returns what ends it */
export function measureOrchestrator(parts: MeasuredParts): () => void {
  const stops = [
    ...measureCounts(parts.counts),
    ...measureMemory(parts),
    ...measureRuns(parts),
    measureStreams(parts.bus, () => parts.leases.holds(0)),
  ];
  return () => stops.forEach((stop) => stop());
}

function measureCounts(counts: OrchestratorCounts): (() => void)[] {
  return [
    engineIgnoredMessages.observe(() => [
      { labels: { 'millrace.reason': 'repeated-start' }, value: counts.repeatedStarts },
      { labels: { 'millrace.reason': 'stale-result' }, value: counts.staleResults },
      { labels: { 'millrace.reason': 'unknown-run' }, value: counts.unknownRunResults },
      { labels: { 'millrace.reason': 'stale-timer' }, value: counts.staleTimers },
    ]),
    overloadRefusals.observe(() => [{ labels: { 'millrace.queue': 'engine' }, value: counts.overloads }]),
    publicationFailures.observe(() => [{ labels: {}, value: counts.failedPublishes }]),
    publicationRepeats.observe(() => [{ labels: {}, value: counts.republishedTasks }]),
  ];
}

function measureMemory(parts: MeasuredParts): (() => void)[] {
  const { writer, hotRuns, timers, publisher, dispatcher, ledger, leases, clock } = parts;
  const one = (value: number) => [{ labels: {}, value }];
  return [
    engineWaiting.observe(() => one(writer.waiting)),
    engineHotRuns.observe(() => one(hotRuns.count)),
    engineTimers.observe(() => one(timers.count)),
    publicationsUnderWay.observe(() => one(publisher.pending)),
    publicationTurns.observe(() => one(dispatcher.held)),
    publicationDebts.observe(() => one(ledger.owed().size)),
    publicationLag.observe(() => {
      const since = ledger.behindSince();
      return one(since === undefined ? 0 : Math.max(0, clock.now().getTime() - since.getTime()) / 1000);
    }),
    partitionsHeld.observe(() => one(leases.held().filter(({ partition }) => leases.holds(partition)).length)),
  ];
}

function measureRuns({ store, leases, clock }: MeasuredParts): (() => void)[] {
  const failures = collectionFailures.at({ 'millrace.source': 'runs' });
  const census = sampleAtScrapes({
    everyMs,
    timeoutMs,
    take: () => store.census(leases.held().map(({ partition }) => partition)),
    onFailure: () => failures.add(1),
  });
  return [
    census.stop,
    runsUnfinished.observe(() =>
      (census.latest() ?? []).map(({ status, count }) => ({ labels: { 'millrace.run.status': status }, value: count })),
    ),
    runOldestAge.observe(() => {
      const states = census.latest();
      if (states === undefined) return [];
      const now = clock.now().getTime();
      const ages = states.map(({ oldestAt }) => (now - oldestAt.getTime()) / 1000);
      return [{ labels: {}, value: Math.max(0, ...ages) }];
    }),
  ];
}
