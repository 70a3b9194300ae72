/** A small run of the simulation, and the test of the test: every planted bug is found. Seeds are those that are always taken. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { buildWorkspace } from '@millrace/testing';
import { bugs, isFound, seedsForABug } from './bugs/catalogue.js';
import { builtRunSeeds } from './seeds/built-run-seeds.fixture.js';

let runSeeds: Awaited<ReturnType<typeof builtRunSeeds>>;
beforeAll(async () => {
  await buildWorkspace();
  runSeeds = await builtRunSeeds();
}, 300_000);

const seedsOfASmallRun = 100;
describe('the simulated system', () => {
  it('keeps every invariant', async () => {
    const results = await runSeeds({ first: 1, last: seedsOfASmallRun, threads: 1 });
    expect(results.filter(({ broken }) => broken !== null)).toEqual([]);
    expect(results).toHaveLength(seedsOfASmallRun);
    expect(results.reduce((sum, { events }) => sum + events, 0)).toBeGreaterThan(20 * seedsOfASmallRun);
  }, 120_000);

  it('does the same again for the same seed', async () => {
    const traceOf = async (): Promise<string[]> => {
      const lines: string[] = [];
      await runSeeds({ first: 7, last: 9, threads: 1, onStep: (line) => void lines.push(line) });
      return lines;
    };
    const first = await traceOf();
    expect(first.length).toBeGreaterThan(500);
    expect(await traceOf()).toEqual(first);
  }, 60_000);

  it.each(bugs.map((bug) => [bug.name, bug] as const))(
    'is found to be wrong when it %s',
    async (name, bug) => {
      const isEnough = isFound.bind(null, bug);
      const looking = { first: 1, last: seedsForABug, begin: bug.seed, threads: 1 };
      const results = await runSeeds({ ...looking, bug: name, isEnough });
      expect(results.filter(isEnough)).not.toEqual([]);
    },
    120_000,
  );
});
