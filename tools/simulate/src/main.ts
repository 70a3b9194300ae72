/** `npm run simulate`: the system over time, a bus and a database that a seed decides, until an invariant breaks. */
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { bugNamed, bugs, isFound } from './bugs/catalogue.js';
import { lookForBugs } from './bugs/look-for-bugs.js';
import { progressBar } from './report/progress-bar.js';
import { reportOf, summaryOf } from './report/summary.js';
import type { SeedResult } from './seeds/run-seed.js';
import { runSeeds } from './seeds/run-seeds.js';

interface Flags {
  readonly seeds: number;
  readonly seed?: number;
  readonly threads: number;
  readonly bug?: string;
  readonly bugs?: boolean;
  readonly json?: boolean;
}

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return value;
};

async function run(flags: Flags): Promise<void> {
  if (flags.bugs !== true) return await simulate(flags);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  process.exitCode = (await lookForBugs(flags.threads, print)) ? 0 : 1;
}

async function simulate({ seeds, seed, threads, bug, json }: Flags): Promise<void> {
  const began = performance.now();
  const [first, last] = seed === undefined ? [1, seeds] : [seed, seed];
  const bar = progressBar(last - first + 1, process.stderr);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const isReplay = seed !== undefined && json !== true;
  const planted = bug === undefined ? undefined : bugNamed(bug);
  const isWanted = (result: SeedResult): boolean =>
    planted === undefined ? result.broken !== null : isFound(planted, result);
  const results = await runSeeds({
    ...{ first, last, threads, bug },
    ...(json !== true && { isEnough: isWanted }),
    onResult: (result) => bar.step(isWanted(result)),
    ...(isReplay && { onStep: print }),
  });
  bar.end();
  const summary = summaryOf(results, isWanted, (performance.now() - began) / 1000);
  print(json === true ? JSON.stringify(summary, null, 2) : reportOf(summary, bug));
  process.exitCode = summary.broken.length > 0 ? 1 : 0;
}

await new Command('simulate')
  .description(
    'Simulates the orchestrator, the bus and workers under faults that a seed decides, and checks what they promise.',
  )
  .option('--seeds <count>', 'the seeds 1 to count', wholeNumber, 1_000)
  .option('--seed <seed>', 'this seed only, step by step', wholeNumber)
  .option('--threads <count>', 'threads that share the seeds', wholeNumber, availableParallelism())
  .addOption(new Option('--bug <name>', 'plants a bug, which must be found').choices(bugs.map(({ name }) => name)))
  .addOption(
    new Option('--bugs', 'plants every bug, and says which seed is the first to find it').conflicts([
      'seed',
      'bug',
      'json',
    ]),
  )
  .option('--json', 'print one JSON document, and go on after a seed that broke')
  .addHelpText(
    'after',
    '\nExit code 1 when an invariant broke. The seed that is printed then shows it again: --seed SEED.',
  )
  .showHelpAfterError()
  .action(run)
  .parseAsync();
