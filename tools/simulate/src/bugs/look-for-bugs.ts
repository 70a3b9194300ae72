/** Plants each bug, and says which seed is the first to find it. */
import { runSeeds } from '../seeds/run-seeds.js';
import { bugs, isFound, seedsForABug, type Bug } from './catalogue.js';

/** Tells of each bug as soon as it is known. True where all were found. */
export async function lookForBugs(threads: number, print: (line: string) => void): Promise<boolean> {
  let found = 0;
  for (const bug of bugs) {
    const seed = await firstSeedOf(bug, threads);
    if (seed !== undefined) found += 1;
    print(`${bug.name.padEnd(40)} ${seed ?? `not within ${seedsForABug} seeds`}`);
  }
  print(`${found} of ${bugs.length} bugs were found.`);
  return found === bugs.length;
}

async function firstSeedOf(bug: Bug, threads: number): Promise<number | undefined> {
  const isEnough = isFound.bind(null, bug);
  const results = await runSeeds({ first: 1, last: seedsForABug, threads, bug: bug.name, isEnough });
  return results
    .filter(isEnough)
    .map(({ seed }) => seed)
    .sort((one, other) => one - other)[0];
}
