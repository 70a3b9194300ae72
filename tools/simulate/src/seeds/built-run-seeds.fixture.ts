/** The built simulation: its threads load and change built files, which a test runner's own modules are not. */
import type { runSeeds } from './run-seeds.js';

export async function builtRunSeeds(): Promise<typeof runSeeds> {
  const built = new URL('../../dist/seeds/run-seeds.js', import.meta.url);
  return ((await import(built.href)) as { runSeeds: typeof runSeeds }).runSeeds;
}
