/** Simulates many seeds on several threads. */
import { Worker } from 'node:worker_threads';
import type { SeedResult } from './run-seed.js';
import type { SeedRange, ThreadData, ThreadWord } from './seed-thread.js';

export interface SeedsOptions {
  readonly first: number;
  readonly last: number;
  readonly threads: number;
  readonly bug?: string | undefined;
  /** The seed to begin with; then the others follow from the first on. */
  readonly begin?: number | undefined;
  readonly onResult?: (result: SeedResult) => void;
  readonly onStep?: (line: string) => void;
  /** Whether a result is what was looked for, so that no further seeds are begun; none is where it is not given. */
  readonly isEnough?: (result: SeedResult) => boolean;
}

const seedsAtOnce = 5;
/** Enough for any seed, so that what is held on to from one seed to the next ends the thread, and is not overlooked. */
const resourceLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 48 };

type Take = () => SeedRange | undefined;
type Hear = (result: SeedResult) => void;

/** The results of all seeds, or of those up to what was looked for, in no order. @throws what a thread threw */
export async function runSeeds(options: SeedsOptions): Promise<SeedResult[]> {
  const results: SeedResult[] = [];
  const ranges = rangesOf(options);
  let isOver = false;
  const take = (): SeedRange | undefined => (isOver ? undefined : ranges.shift());
  const hear = (result: SeedResult): void => {
    results.push(result);
    options.onResult?.(result);
    if (options.isEnough?.(result) === true) isOver = true;
  };
  const threads = Math.min(options.threads, ranges.length);
  await Promise.all(Array.from({ length: threads }, () => workOff(options, take, hear)));
  return results;
}

function rangesOf({ first, last, begin }: SeedsOptions): SeedRange[] {
  const ranges: SeedRange[] = begin === undefined ? [] : [{ first: begin, last: begin }];
  for (let seed = first; seed <= last; seed += seedsAtOnce)
    ranges.push({ first: seed, last: Math.min(last, seed + seedsAtOnce - 1) });
  return ranges;
}

/** Lets one thread work until no range is left. */
async function workOff({ bug, onStep }: SeedsOptions, take: Take, hear: Hear): Promise<void> {
  const workerData: ThreadData = { bug, trace: onStep !== undefined };
  const thread = new Worker(new URL('./seed-thread.js', import.meta.url), { workerData, resourceLimits });
  try {
    await new Promise<void>((resolve, reject) => {
      const next = (): void => {
        const range = take();
        if (range === undefined) resolve();
        else thread.postMessage(range);
      };
      thread.on('message', (word: ThreadWord) => {
        if ('result' in word) hear(word.result);
        else if ('steps' in word) word.steps.forEach((line) => onStep?.(line));
        else next();
      });
      thread.once('error', reject);
      next();
    });
  } finally {
    await thread.terminate();
  }
}
