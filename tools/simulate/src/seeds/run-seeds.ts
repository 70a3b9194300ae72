/** Simulates many seeds on several threads. */
import { Worker } from 'node:worker_threads';
import type { SeedResult } from './run-seed.js';
import type { SeedRange, ThreadData, ThreadWord } from './seed-thread.js';

export interface SeedsOptions {
  readonly first: number;
  readonly last: number;
  readonly threads: number;
  readonly bug?: string | undefined;
  readonly onResult?: (result: SeedResult) => void;
  readonly onStep?: (line: string) => void;
  /** Whether a result is what was looked for, so that no further seeds are begun; none is where it is not given. */
  readonly isEnough?: (result: SeedResult) => boolean;
}

const seedsAtOnce = 5;
/** What a thread still holds of its seeds goes with it. */
const rangesOfAThread = 40;

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

function rangesOf({ first, last }: SeedsOptions): SeedRange[] {
  const ranges: SeedRange[] = [];
  for (let seed = first; seed <= last; seed += seedsAtOnce)
    ranges.push({ first: seed, last: Math.min(last, seed + seedsAtOnce - 1) });
  return ranges;
}

async function workOff(options: SeedsOptions, take: Take, hear: Hear): Promise<void> {
  let range = take();
  while (range !== undefined) range = await inOneThread(options, range, take, hear);
}

/** Lets a thread work until it is to be replaced, and gives the range that it left. */
async function inOneThread(
  { bug, onStep }: SeedsOptions,
  first: SeedRange,
  take: Take,
  hear: Hear,
): Promise<SeedRange | undefined> {
  const workerData: ThreadData = { bug, trace: onStep !== undefined };
  const thread = new Worker(new URL('./seed-thread.js', import.meta.url), { workerData });
  let left = rangesOfAThread;
  try {
    return await new Promise((resolve, reject) => {
      const next = (range: SeedRange | undefined): void => {
        left -= 1;
        if (range === undefined || left < 0) resolve(range);
        else thread.postMessage(range);
      };
      thread.on('message', (word: ThreadWord) => {
        if ('result' in word) hear(word.result);
        else if ('steps' in word) word.steps.forEach((line) => onStep?.(line));
        else next(take());
      });
      thread.once('error', reject);
      next(first);
    });
  } finally {
    await thread.terminate();
  }
}
