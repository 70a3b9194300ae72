/** One seed: the whole system from its beginning until all is at rest, or an invariant is broken. */
import { installVirtualTime, withTime } from '../time/install-virtual-time.js';
import { beginning } from '../time/virtual-time.js';
import { Dice } from '@millrace/chaos/dice';
import type { Broken } from '../invariants/witness.js';
import type { Weather } from '../world/weather.js';
import { World } from '../world/world.js';
import { System } from '../system/system.js';

export interface SeedResult {
  readonly seed: number;
  readonly broken: Broken | null;
  /** Things that happened, one after the other. */
  readonly steps: number;
  /** The simulated time that it took, in milliseconds. */
  readonly tookMs: number;
  readonly runs: number;
  readonly events: number;
}

/** By then everything must have come to an end after the calm began, in milliseconds. */
const patienceMs = 20 * 60_000;
/** Time for what is owed to be published. */
const restMs = 10_000;
const mostSteps = 2_000_000;

export interface SeedOptions {
  /** Hears of each thing that happens, as a line of text. */
  readonly onStep?: ((line: string) => void) | undefined;
  /** What the weather has in every seed. */
  readonly weather?: Partial<Weather> | undefined;
}

export function runSeed(seed: number, { onStep, weather }: SeedOptions = {}): SeedResult {
  installVirtualTime();
  const dice = new Dice(seed, 'product');
  const random = (): number => dice.within([0, 999_999]) / 1_000_000;
  const world = new World(seed, onStep, weather);
  return withTime(world.time, random, () => {
    const system = new System(world, seed);
    liveOn(system);
    const { witness } = system.installation;
    return {
      seed,
      broken: witness.broken ?? null,
      steps: world.time.steps,
      tookMs: world.time.now - beginning,
      runs: witness.runs.size,
      events: [...witness.runs.values()].reduce((sum, run) => sum + run.position, 0),
    };
  });
}

function liveOn({ world, installation: { witness, broker }, caller }: System): void {
  const latest = beginning + world.weather.calmAfterMs + patienceMs;
  let restsUntil: number | undefined;
  while (witness.broken === undefined && world.time.steps < mostSteps && world.time.step()) {
    const isResting = world.isCalm && caller.isDone && witness.isAtRest;
    restsUntil = isResting ? (restsUntil ?? world.time.now + restMs) : undefined;
    if (world.time.now > (restsUntil ?? latest)) break;
  }
  if (witness.broken === undefined) witness.atRest(broker);
}
