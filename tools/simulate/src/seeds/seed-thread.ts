/** A thread that simulates seeds, with a bug planted or none. It says what each seed came to. */
import { parentPort, workerData } from 'node:worker_threads';
import { bugNamed } from '../bugs/catalogue.js';
import { changeWhileLoading } from '../bugs/change-while-loading.js';
import { settings } from '../bugs/settings.js';
import type { SeedResult } from './run-seed.js';

/** What a thread is started with. */
export interface ThreadData {
  readonly bug?: string | undefined;
  /** Whether every step is wanted, as a line of text. */
  readonly trace: boolean;
}

/** What it is sent: seeds, one after the other from the first to the last. */
export interface SeedRange {
  readonly first: number;
  readonly last: number;
}

/** What it says. After the last result of a range it waits for the next. */
export type ThreadWord =
  { readonly result: SeedResult } | { readonly steps: readonly string[] } | { readonly done: SeedRange };

const { bug, trace } = workerData as ThreadData;
const planted = bug === undefined ? undefined : bugNamed(bug);
changeWhileLoading(planted === undefined ? settings : [...settings, planted.change]);

// Only now: what it imports is changed while it is loaded.
const { runSeed } = await import('./run-seed.js');
// Where an error comes from is asked for by nobody, and costs more than the error.
Error.stackTraceLimit = 0;

const say = (word: ThreadWord): void => parentPort?.postMessage(word);

parentPort?.on('message', (range: SeedRange) => {
  for (let seed = range.first; seed <= range.last; seed += 1) {
    const steps: string[] = [];
    const result = runSeed(seed, {
      onStep: trace ? (line) => void steps.push(line) : undefined,
      weather: planted?.weather,
    });
    if (trace) say({ steps });
    say({ result });
  }
  say({ done: range });
});
