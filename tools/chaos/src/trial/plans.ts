/** The two forms of a trial. */
import { faultNamed, type Fault } from '../faults/catalogue.js';
import type { BugName } from '../hooks/changes.js';
import type { TrialPlan } from './trial.js';

/** Every fault at least once, under 200 runs. */
export const fullPlan = (seed: number, faults: readonly Fault[]): TrialPlan => ({
  seed,
  faults,
  runs: 200,
  extraFaults: faults.length === 0 ? 0 : Math.max(8, 12 - faults.length),
  spacingMs: [500, 1_500],
  bug: null,
  graph: null,
  patienceMs: 30_000,
});

/** How many seeds in a row bring every fault once. */
export const shortSeeds = 2;

/** A share of the faults, under 40 runs: `shortSeeds` seeds in a row have all of them. */
export const shortPlan = (seed: number, faults: readonly Fault[]): TrialPlan => ({
  seed,
  faults: faults.length <= shortSeeds ? faults : faults.filter((_, index) => index % shortSeeds === seed % shortSeeds),
  runs: 40,
  extraFaults: 0,
  spacingMs: [200, 600],
  bug: null,
  graph: null,
  patienceMs: 30_000,
});

/** For each bug the faults under which it shows, and what must run meanwhile. */
const exposing: Readonly<Record<BugName, { readonly faults: readonly string[]; readonly graph: string }>> = {
  'without-fence': { faults: ['message-stale-fences'], graph: 'chaos-retries' },
  'without-inbox': { faults: ['crash-before-event-ack'], graph: 'diamond' },
  'ack-before-commit': { faults: ['crash-before-commit'], graph: 'diamond' },
};

/** The cheapest trial in which a bug shows. */
export const bugPlan = (seed: number, bug: BugName): TrialPlan => ({
  seed,
  bug,
  graph: exposing[bug].graph,
  faults: exposing[bug].faults.map(faultNamed),
  runs: 16,
  extraFaults: 0,
  spacingMs: [100, 100],
  // What is lost shows in the answers; there is no need to wait until it is sure not to come.
  patienceMs: 4_000,
});
