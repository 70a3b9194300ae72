/** Bugs that the simulation must find, each one change of a built file; nothing of them is in the product. */
import { insertBefore, replace, type SourceChange } from '@millrace/chaos/source-change';
import type { SeedResult } from '../seeds/run-seed.js';

export interface Bug {
  readonly name: string;
  /** What it breaks, in the words of the invariants or a part of them: what breaks besides is no proof that the bug was found. */
  readonly breaks: readonly string[];
  readonly change: SourceChange;
}

const orchestrator = 'apps/orchestrator/dist';
const writer = `${orchestrator}/run/run.writer.js`;

export const bugs: readonly Bug[] = [
  {
    name: 'answers-before-the-commit',
    breaks: ['is answered after it is stored'],
    change: insertBefore(
      writer,
      'held = await this.parts.store.commit(',
      'this.finish(turns, groups, { isHeld: () => true, isSameEpoch: () => true }); ',
    ),
  },
  {
    name: 'answers-without-a-lease',
    breaks: ['is answered after it is stored', "a run's row is the fold of its events"],
    change: replace(writer, 'if (isHeld(partition)) {', 'if (true) {'),
  },
  {
    name: 'keeps-what-was-not-committed',
    breaks: ['is answered after it is stored', 'events are numbered from 1 without a gap', 'every accepted run ends'],
    change: replace(writer, 'this.parts.hotRuns.drop(turn.key);', ';'),
  },
  {
    name: 'forgets-failed-publishes',
    breaks: ['what is stored is announced', 'every accepted run ends'],
    change: replace(`${orchestrator}/publication/publisher.js`, 'owe();', ';'),
  },
  {
    name: 'attempts-share-an-id',
    breaks: ['what is published again is the same', 'what a task gives is kept as what its own attempt gave'],
    change: replace(
      `${orchestrator}/publication/run-messages.js`,
      'taskIdOf(run.key.runId, task.node, task.attempt)',
      'taskIdOf(run.key.runId, task.node, 1)',
    ),
  },
  {
    name: 'fires-timers-early',
    breaks: ['a retry begins once, and not early', 'a wait ends not early', 'a time limit strikes not early'],
    change: replace(`${orchestrator}/timer/run-timers.js`, 'dueAt > now', 'dueAt > now + 5_000'),
  },
  {
    name: 'leaves-timers-behind',
    breaks: ['the timers stored are those that the run waits for'],
    change: replace(`${orchestrator}/run/turn.js`, '.filter(([text]) => !after.has(text))', '.slice(1)'),
  },
  {
    name: 'acknowledges-without-an-answer',
    breaks: ['a task is acknowledged after its result is stored'],
    change: replace('libs/worker/dist/ask-owner.js', 'request.onRetry(error);', 'return { applied: false };'),
  },
];

/** Whether a seed came to what the bug is planted to break. */
export const isFound = ({ breaks }: Bug, { broken }: Pick<SeedResult, 'broken'>): boolean =>
  broken !== null && breaks.some((says) => broken.says.includes(says));

export const bugNamed = (name: string): Bug => {
  const found = bugs.find((bug) => bug.name === name);
  if (found === undefined) throw new RangeError(`There is no bug ${name}.`);
  return found;
};
