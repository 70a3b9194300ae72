/** `npm run chaos`: hurts a whole system of real processes under load, and checks from outside that nothing promised breaks. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { faultNamed, faults, type Fault } from './faults/catalogue.js';
import { bugNames, type BugName } from './hooks/changes.js';
import { hasFailed, summaryOf } from './report/summary.js';
import { reportOf } from './report/table.js';
import { bugPlan, fullPlan, shortPlan } from './trial/plans.js';
import { runTrial, type TrialPlan, type TrialResult } from './trial/trial.js';
import { startWorld, type World } from './world/world.js';

interface Flags {
  readonly seeds?: number;
  readonly seed?: number;
  readonly runs?: number;
  readonly short?: boolean;
  readonly only?: readonly Fault[];
  readonly bug?: BugName;
  readonly json?: boolean;
}

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('It must be a whole number.');
  return value;
};

const fault = (text: string, before: readonly Fault[] = []): readonly Fault[] => {
  try {
    return [...before, faultNamed(text)];
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
};

const say = (text: string): void => void process.stderr.write(`${new Date().toISOString().slice(11, 23)} ${text}\n`);

function plansOf(flags: Flags): TrialPlan[] {
  const one = flags.seed ?? Math.floor(Math.random() * 1_000_000);
  const seeds = flags.seeds === undefined ? [one] : Array.from({ length: flags.seeds }, (_, index) => index + 1);
  const planOf = flags.short === true ? shortPlan : fullPlan;
  return seeds.map((seed) => ({
    ...(flags.bug === undefined ? planOf(seed, flags.only ?? faults) : bugPlan(seed, flags.bug)),
    ...(flags.runs !== undefined && { runs: flags.runs }),
  }));
}

/** A system that broke is thrown away: what is wrong with it must not spoil the next trial. */
async function runTrials(plans: readonly TrialPlan[]): Promise<TrialResult[]> {
  const results: TrialResult[] = [];
  let world: World | undefined;
  try {
    for (const plan of plans) {
      if (world === undefined) {
        world = await startWorld(say);
      }
      const result = await runTrial(world, plan, say);
      results.push(result);
      const { seed, accepted, finished, violations } = result;
      say(`seed ${seed}: ${finished} of ${accepted} accepted runs finished, ${violations.length} violations`);
      if (!hasFailed(result)) continue;
      await world[Symbol.asyncDispose]();
      world = undefined;
    }
    return results;
  } finally {
    await world?.[Symbol.asyncDispose]();
  }
}

const program = new Command('chaos')
  .description('Brings faults over a whole system of real processes under load, and checks what it promises.')
  .option('--seeds <count>', 'the seeds 1 to count', wholeNumber)
  .option('--seed <seed>', 'one seed, to see again what it brought', wholeNumber)
  .option('--runs <count>', 'runs of one seed (default 200, or 40 in the short form)', wholeNumber)
  .option('--short', 'a third of the faults and fewer runs for each seed')
  .option('--only <fault>', 'this fault only; may be given again', fault)
  .addOption(new Option('--bug <name>', 'plants a bug under the faults in which it must show').choices(bugNames))
  .option('--json', 'print one JSON document')
  .addHelpText(
    'after',
    `\nFaults:\n  ${faults.map(({ name }) => name).join('\n  ')}\n\nExit code 1 when an invariant broke.`,
  )
  .showHelpAfterError()
  .action(async (flags: Flags) => {
    const results = await runTrials(plansOf(flags));
    const document = { summary: summaryOf(results), trials: results };
    process.stdout.write(flags.json === true ? `${JSON.stringify(document, null, 2)}\n` : `${reportOf(results)}\n`);
    process.exitCode = results.some(hasFailed) ? 1 : 0;
  });
await program.parseAsync();
