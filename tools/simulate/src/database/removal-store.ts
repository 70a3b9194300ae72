import type { OrchestratorStores } from '@millrace/orchestrator/core';
import type { Ask } from './stores.js';
import { runText, type RunRow, type Tables } from './tables.js';

type Removals = OrchestratorStores['removals'];
type Claim = Parameters<Removals['removeOne']>[0];

/** Every run that has ended is old, and no marks are kept: who asks for a removed run is told that it is unknown. */
export function removalStore(ask: Ask, tables: Tables): Removals {
  const remove = ({ owner, partition, epoch }: Claim, isWanted: (run: RunRow) => boolean): RunRow[] => {
    const lease = tables.leases[partition];
    if (lease?.owner !== owner || lease.epoch !== epoch) return [];
    const removed = [...tables.runs.values()].filter(
      (run) =>
        run.partition === partition &&
        run.finishedAt !== null &&
        run.finishedAt < lease.publishedUntil.toISOString() &&
        isWanted(run),
    );
    for (const run of removed) {
      tables.runs.delete(runText(run));
      tables.events.delete(runText(run));
    }
    return removed;
  };
  return {
    removeOld: (claim) => ask(`remove old runs of ${claim.partition}`, () => remove(claim, () => true)),
    removeOne: (claim, key) =>
      ask(`remove ${key.runId}`, () => remove(claim, (run) => runText(run) === runText(key)).length === 1),
    pruneMarks: () => ask('prune marks', () => undefined),
  };
}
