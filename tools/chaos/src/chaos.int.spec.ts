import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildWorkspace } from '@millrace/testing';
import { faults } from './faults/catalogue.js';
import type { BugName } from './hooks/changes.js';
import type { Violation } from './invariants/evidence.js';
import { bugPlan, shortPlan, shortSeeds } from './trial/plans.js';
import { runTrial } from './trial/trial.js';
import { startWorld, type World } from './world/world.js';

const quiet = (): void => undefined;
let world: World;

beforeAll(async () => {
  await buildWorkspace();
  world = await startWorld(quiet);
}, 300_000);
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
}, 120_000);

const seeds = Array.from({ length: shortSeeds }, (_, index) => index + 1);

describe('a system of real processes under faults', () => {
  it.each(seeds)(
    'keeps what it promises (seed %d)',
    async (seed) => {
      const { accepted, finished, violations, stalled, dump } = await runTrial(world, shortPlan(seed, faults), quiet);
      expect({ violations, stalled, dump }).toEqual({ violations: [], stalled: false, dump: null });
      expect(finished).toBe(accepted);
      expect(accepted).toBeGreaterThan(20);
    },
    240_000,
  );

  it('meets every fault there is in these seeds', () => {
    const met = new Set(seeds.flatMap((seed) => shortPlan(seed, faults).faults));
    expect(met).toEqual(new Set(faults));
  });
});

describe('the checker', () => {
  const shown: readonly [bug: BugName, invariant: Violation['invariant']][] = [
    ['without-fence', 'I4'],
    ['without-inbox', 'I3'],
    // The last one: what it loses stays outstanding.
    ['ack-before-commit', 'I1'],
  ];

  it.each(shown)(
    'finds the system %s (%s)',
    async (bug, invariant) => {
      // Real processes meet their faults a little earlier or later each time; a bug need not show at the first try.
      const found = new Set<string>();
      for (let seed = 1; seed <= 3 && !found.has(invariant); seed += 1) {
        const { violations } = await runTrial(world, bugPlan(seed, bug), quiet);
        for (const violation of violations) found.add(violation.invariant);
      }
      expect([...found]).toContain(invariant);
    },
    120_000,
  );
});
