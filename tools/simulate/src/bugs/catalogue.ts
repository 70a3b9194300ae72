/** Bugs that the simulation must find, each one change of a built file; nothing of them is in the product. */
import { insertBefore, replace, type SourceChange } from '@millrace/chaos/source-change';
import type { SeedResult } from '../seeds/run-seed.js';
import type { Weather } from '../world/weather.js';

export interface Bug {
  readonly name: string;
  /** What it breaks, in the words of the invariants or a part of them: what breaks besides is no proof that the bug was found. */
  readonly breaks: readonly string[];
  /** A seed that found it. Where the code has changed since then another one may have to be looked for. */
  readonly seed: number;
  readonly change: SourceChange;
  /** The weather in which it shows, where it needs one: every seed has it while the bug is planted. */
  readonly weather?: Partial<Weather>;
}

const slow = { slow: 8_000, slowMs: [3_000, 12_000] } as const;
const sleepy = { freeze: 1_500, freezeMs: [5_000, 12_000] } as const;
/** Answers that come when the lease of whoever asked has gone to another replica and come back. */
const adrift: Partial<Weather> = {
  ...{ leaseStallMs: 3_000, leaseMs: 1_200, slowLoad: 50_000, slowLoadMs: [2_500, 8_000], hotRunBytes: 4_000 },
  ...{ crash: 0, freeze: 0, slow: 0, statementLoss: 0, latencyMs: [0, 3], calmAfterMs: 30_000 },
};

const orchestrator = 'apps/orchestrator/dist';
const writer = `${orchestrator}/run/run.writer.js`;
const engine = 'libs/workflow/dist/engine';

export const bugs: readonly Bug[] = [
  {
    name: 'answers-before-the-commit',
    seed: 1,
    breaks: ['is answered after it is stored'],
    change: insertBefore(
      writer,
      'held = await this.parts.store.commit(',
      'this.finish(turns, groups, { isHeld: () => true, isSameEpoch: () => true }); ',
    ),
  },
  {
    name: 'answers-without-a-lease',
    weather: slow,
    seed: 6,
    breaks: ['is answered after it is stored', "a run's row is the fold of its events"],
    change: replace(writer, 'if (isHeld(partition)) {', 'if (true) {'),
  },
  {
    name: 'keeps-what-was-not-committed',
    weather: { statementLoss: 12_000 },
    seed: 10,
    breaks: ['is answered after it is stored', 'events are numbered from 1 without a gap', 'every accepted run ends'],
    change: replace(writer, 'this.parts.hotRuns.drop(turn.key);', ';'),
  },
  {
    name: 'forgets-failed-publishes',
    weather: { messageLoss: 15_000 },
    seed: 27,
    breaks: [
      'a cursor is not past what is still to be announced',
      'what is stored is announced',
      'every accepted run ends',
    ],
    change: replace(`${orchestrator}/publication/publisher.js`, 'owe();', ';'),
  },
  {
    name: 'attempts-share-an-id',
    seed: 1,
    breaks: ['what is published again is the same', 'what a task gives is kept as what its own attempt gave'],
    change: replace(
      `${orchestrator}/publication/run-messages.js`,
      'taskIdOf(run.key.runId, task.node, task.attempt)',
      'taskIdOf(run.key.runId, task.node, 1)',
    ),
  },
  {
    name: 'fires-timers-early',
    seed: 33,
    breaks: ['a retry begins once, and not early', 'a wait ends not early', 'a time limit strikes not early'],
    change: replace(`${orchestrator}/timer/run-timers.js`, 'dueAt > now', 'dueAt > now + 5_000'),
  },
  {
    name: 'leaves-timers-behind',
    seed: 1,
    breaks: ['the timers stored are those that the run waits for'],
    change: replace(`${orchestrator}/run/turn.js`, '.filter(([text]) => !after.has(text))', '.slice(1)'),
  },
  {
    name: 'acknowledges-without-an-answer',
    seed: 3,
    breaks: ['a task is acknowledged after its result is stored'],
    change: replace('libs/worker/dist/ask-owner.js', 'request.onRetry(error);', 'return { applied: false };'),
  },
  {
    name: 'writes-without-a-fence',
    weather: slow,
    seed: 44,
    breaks: ['a stale fence changes nothing'],
    change: replace(
      'tools/simulate/dist/database/tables.js',
      'lease?.owner === owner && lease.epoch === epochs[index]',
      'lease !== undefined',
    ),
  },
  {
    name: 'claims-the-epoch-of-now',
    weather: adrift,
    seed: 1,
    breaks: ['what is written in an epoch was decided in it'],
    change: replace(
      writer,
      'this.parts.leases.claim(rows.partitions, epochOf)',
      'this.parts.leases.claim(rows.partitions)',
    ),
  },
  {
    name: 'moves-its-cursor-early',
    seed: 2,
    breaks: ['a cursor is not past what is still to be announced'],
    change: replace(
      `${orchestrator}/publication/publication-ledger.js`,
      'if (batch.partitions.has(partition) && batch.at < until)',
      'if (false)',
    ),
  },
  {
    name: 'remembers-ended-runs-of-others',
    seed: 396,
    breaks: ['a result is answered after it is stored', 'every accepted run ends'],
    change: replace(
      `${orchestrator}/run/hot-runs.js`,
      '(isEnded(run) ? run.endedIn : run.key.partition) === partition',
      '!isEnded(run) && run.key.partition === partition',
    ),
  },
  {
    name: 'forgets-commits-of-unknown-outcome',
    weather: { statementAnswerLoss: 12_000 },
    seed: 65,
    breaks: [
      'a cursor is not past what is still to be announced',
      'what is stored is announced',
      'every accepted run ends',
    ],
    change: replace(writer, "this.parts.ledger.owe(partition, { since: at, tasks: 'since' });", ';'),
  },
  {
    name: 'tries-again-in-a-pause',
    weather: sleepy,
    seed: 581,
    breaks: ['nothing begins while a run is paused'],
    change: replace(
      `${engine}/decide.js`,
      "if (state.status !== 'retrying' || running(decision)?.pausedAt !== null)",
      "if (state.status !== 'retrying')",
    ),
  },
  {
    name: 'takes-results-of-earlier-attempts',
    weather: { messageLoss: 12_000 },
    seed: 13,
    breaks: ['what a task gives is kept as what its own attempt gave'],
    change: replace(`${engine}/decide.js`, 'node.attempt !== attempt', 'node.attempt < attempt'),
  },
  {
    name: 'takes-signals-twice',
    weather: { messageAnswerLoss: 25_000 },
    seed: 101,
    breaks: ['a signal arrives once'],
    change: replace(`${engine}/decide.js`, 'if (isKnown || refusalOf', 'if (refusalOf'),
  },
  {
    name: 'goes-on-while-ending',
    seed: 402,
    breaks: ['a run that is to end begins nothing but what takes effects back'],
    change: replace(`${engine}/begin.js`, '!location || state.ending !== null', '!location'),
  },
  {
    name: 'takes-back-in-the-wrong-order',
    seed: 12,
    breaks: ['what was done last is taken back first'],
    change: replace(`${engine}/compensate.js`, 'state.effects.findLast(', 'state.effects.find('),
  },
  {
    name: 'takes-back-one-effect-of-a-node',
    seed: 1101,
    breaks: ['every effect is taken back before its run ends', 'what was done last is taken back first'],
    change: replace(`${engine}/taken-effects.js`, 'compensationPath(node, nth)', 'compensationPath(node, 1)'),
  },
  {
    name: 'begins-without-room',
    seed: 51,
    breaks: ['nothing of a run begins before its turn'],
    change: replace(`${engine}/run-slots.js`, 'state.room?.isTaken === false && state.ending', 'false && state.ending'),
  },
  {
    name: 'lets-anyone-begin-an-effect',
    weather: { messageLoss: 12_000, crash: 1_000 },
    seed: 291,
    breaks: ['an effect that must not happen twice is begun once'],
    change: replace(`${engine}/effect.js`, 'node.claim === claim && ', ''),
  },
  {
    name: 'reserves-no-budget',
    seed: 7,
    breaks: ['a run never spends more than its budget'],
    change: replace(`${engine}/budget.js`, 'sum += node.estimateUsd;', ';'),
  },
  {
    name: 'gives-no-room-back',
    seed: 6,
    breaks: ['the requests for room stored are those of the run'],
    change: replace(`${orchestrator}/run/turn.js`, 'after.get(node)?.attempt !== attempt)', 'false)'),
  },
  {
    name: 'gives-room-to-all',
    seed: 6,
    breaks: ['a shared key is held by no more nodes than it allows'],
    change: replace(`${orchestrator}/concurrency/grants.js`, '(holders.get(key) ?? 0) < (limits[index] ?? 0)', 'true'),
  },
  {
    name: 'passes-fire-times-over',
    weather: { statementLoss: 12_000 },
    seed: 455,
    breaks: ['a fire time has its run'],
    change: replace(
      `${orchestrator}/schedule/scheduler.js`,
      "if (!(error instanceof MillraceError) || error.retryable || error.kind === 'internal')",
      'if (false)',
    ),
  },
  {
    name: 'drops-the-last-item-of-a-map',
    seed: 6,
    breaks: ['a map ends after each of its items has'],
    change: replace(
      `${engine}/map.js`,
      'progress.finished === progress.items.length',
      'progress.finished >= Math.max(1, progress.items.length - 1)',
    ),
  },
  {
    name: 'tries-permanent-errors-again',
    seed: 2,
    breaks: ['only what may pass is tried again'],
    change: replace(`${engine}/retry.js`, '!error.retryable || ', ''),
  },
];

/** Whether a seed came to what the bug is planted to break. */
export const isFound = ({ breaks }: Bug, { broken }: Pick<SeedResult, 'broken'>): boolean =>
  broken !== null && breaks.some((says) => broken.says.includes(says));

/** Within so many seeds each bug is found. */
export const seedsForABug = 2_000;

export const bugNamed = (name: string): Bug => {
  const found = bugs.find((bug) => bug.name === name);
  if (found === undefined) throw new RangeError(`There is no bug ${name}.`);
  return found;
};
