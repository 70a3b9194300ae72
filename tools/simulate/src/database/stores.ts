/** The orchestrator's stores over tables in memory, at the other end of an unsafe connection. */
import { MillraceError } from '@millrace/kernel';
import type { OrchestratorStores } from '@millrace/orchestrator/core';
import type { SimulatedProcess } from '../world/simulated-process.js';
import type { World } from '../world/world.js';
import { graphStore } from './graph-store.js';
import { leaseStore } from './lease-store.js';
import { outputStore } from './output-store.js';
import { approvalReader, runReader } from './readers.js';
import { removalStore } from './removal-store.js';
import { scheduleStore } from './schedule-store.js';
import { threadStateStore, threadStore } from './thread-stores.js';
import { eventWaitStore, slotStore } from './waiting-stores.js';
import { runText, type BatchRows, type Tables } from './tables.js';

/** Asks the database for one statement or transaction. */
export type Ask = <Result>(name: string, execute: () => Result) => Promise<Result>;

const timeoutMs = 5_000;

const kindOf = (name: string): 'leases' | 'load' | undefined => {
  if (name.startsWith('load ')) return 'load';
  return ['announce replica', 'renew leases', 'acquire leases'].includes(name) ? 'leases' : undefined;
};

/** What a process may ask of the database. */
export function askOf(world: World, process: SimulatedProcess): Ask {
  const { statementLoss: loss, statementAnswerLoss: answerLoss } = world.weather;
  const unanswered = (): MillraceError =>
    new MillraceError('unavailable', 'database_unavailable', 'The database did not answer.');
  return (name, execute) => {
    const kind = kindOf(name);
    const stallMs = kind === undefined ? 0 : world.stall(process, kind);
    return world.call({ process, name, loss, answerLoss, execute, unanswered, timeoutMs, stallMs });
  };
}

export const storesOf = (world: World, process: SimulatedProcess, tables: Tables): OrchestratorStores =>
  storesOver(askOf(world, process), tables, () => world.time.now);

/** @param now the database's own clock, in milliseconds since 1970 */
export function storesOver(ask: Ask, tables: Tables, now: () => number): OrchestratorStores {
  return {
    runs: runStore(ask, tables, now),
    graphs: graphStore(ask, tables, now),
    timers: timerStore(ask, tables),
    eventWaits: eventWaitStore(ask, tables),
    slots: slotStore(ask, tables),
    threads: threadStore(ask, tables, now),
    threadStates: threadStateStore(),
    outputs: outputStore(ask, tables, now),
    schedules: scheduleStore(ask, tables),
    approvals: approvalReader(ask, tables),
    removals: removalStore(ask, tables),
    leases: (replica, ttlMs) => leaseStore(ask, tables, { replica, ttlMs, now }),
    reader: (graphs) => runReader(ask, tables, graphs),
  };
}

function runStore(ask: Ask, tables: Tables, now: () => number): OrchestratorStores['runs'] {
  const known = new Map<string, number>();
  const keysWhere = (isWanted: (run: { createdAt: number; finishedAt: number | null }) => boolean, of: number) =>
    [...tables.runs.values()]
      .filter(({ partition }) => partition === of)
      .filter(({ createdAt, finishedAt }) =>
        isWanted({
          createdAt: Date.parse(createdAt),
          finishedAt: finishedAt === null ? null : Date.parse(finishedAt),
        }),
      )
      .map(({ tenantId, runId, partition }) => ({ tenantId, runId, partition }));
  return {
    commit: (rows, claim) => {
      const askedAt = now();
      return ask(`commit ${eventsIn(rows)}`, () => {
        const held = tables.commit(rows, claim, known);
        for (const [index, runId] of rows.runs.runId.entries())
          known.set(runText({ tenantId: rows.runs.tenantId[index] ?? '', runId }), askedAt);
        return held;
      });
    },
    unpublishedRuns: (partition, since) =>
      ask(`runs to publish of ${partition}`, () =>
        keysWhere(({ finishedAt }) => finishedAt === null || finishedAt >= since.getTime(), partition),
      ),
    unfinishedRuns: (partition, createdBefore) =>
      ask(`unfinished runs of ${partition}`, () =>
        keysWhere(({ createdAt, finishedAt }) => finishedAt === null && createdAt < createdBefore.getTime(), partition),
      ),
    census: () => ask('census', () => []),
    load: (keys, options = {}) => {
      // What is read of ended runs as well is published again or forked: nothing is decided on it but a retry.
      if (options.andEnded !== true) for (const key of keys) known.set(runText(key), now());
      return ask(`load ${keys.length} runs`, () =>
        keys.flatMap((key) => {
          const row = tables.runs.get(runText(key));
          if (row === undefined) return [];
          const { tenantId, runId, partition, graphName: name, graphVersion: version, graphDigest: digest } = row;
          const ended = row.finishedAt !== null;
          const events = ended && options.andEnded !== true ? [] : tables.runEvents(row);
          return [
            { key: { tenantId, runId, partition }, graph: { name, version, digest }, ended, events, traces: new Map() },
          ];
        }),
      );
    },
  };
}

/** The events of a batch, run by run, as a line of the trace has them. */
const eventsIn = ({ events }: BatchRows): string =>
  events.type.map((type, index) => `${events.runId[index]?.slice(-4)}:${events.position[index]} ${type}`).join(', ');

const timerStore = (ask: Ask, tables: Tables): OrchestratorStores['timers'] => ({
  dueUntil: (partitions, until, limit) =>
    ask('timers', () =>
      [...tables.timers.values()]
        .filter(({ partition, dueAt }) => partitions.includes(partition) && Date.parse(dueAt) <= until.getTime())
        .sort((one, other) => Date.parse(one.dueAt) - Date.parse(other.dueAt))
        .slice(0, limit)
        .map(({ tenantId, runId, partition, node, attempt, timer, dueAt }) => ({
          key: { tenantId, runId, partition },
          timer: { node, attempt, timer: timer as 'retry', dueAt },
          cause: null,
        })),
    ),
});
