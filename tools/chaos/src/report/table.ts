/** Trials for people to read. */
import Table from 'cli-table3';
import type { TrialResult } from '../trial/trial.js';
import { hasFailed, summaryOf, type Summary } from './summary.js';

const style = { head: [], border: [], compact: true };
const seconds = (ms: number | null): string => (ms === null ? '' : `${(ms / 1000).toFixed(1)} s`);

export function reportOf(trials: readonly TrialResult[]): string {
  const summary = summaryOf(trials);
  return [
    trialsTable(trials, summary),
    kindsTable(summary),
    ...failedRuns(summary),
    ...trials.filter(hasFailed).map(failureOf),
  ].join('\n\n');
}

function trialsTable(trials: readonly TrialResult[], total: Summary): string {
  const table = new Table({
    head: [
      'seed',
      'faults',
      'accepted',
      'finished',
      'lost',
      'effects',
      'twice',
      'broken',
      'recovery p50',
      'p95',
      'took',
    ],
    style,
  });
  const rowOf = (name: string, figures: Summary): (string | number)[] => [
    name,
    figures.faults,
    figures.accepted,
    figures.finished,
    figures.lost,
    figures.effectsCommitted,
    figures.effectsAppliedTwice,
    figures.violations + figures.stalled,
    seconds(figures.recoveryP50Ms),
    seconds(figures.recoveryP95Ms),
    seconds(figures.durationMs),
  ];
  for (const trial of trials) {
    table.push(rowOf(`${trial.seed}${trial.bug === null ? '' : ` (${trial.bug})`}`, summaryOf([trial])));
  }
  if (trials.length > 1) table.push(rowOf('all', total));
  return table.toString();
}

function kindsTable({ faultsByKind, forgedMessages }: Summary): string {
  const table = new Table({ head: ['fault', 'times', 'recovery p50', 'most'], style });
  for (const [kind, { times, recoveryP50Ms, recoveryMostMs }] of Object.entries(faultsByKind)) {
    table.push([kind, times, seconds(recoveryP50Ms), seconds(recoveryMostMs)]);
  }
  if (forgedMessages > 0) table.push(['forged messages', forgedMessages, '', '']);
  return table.toString();
}

function failedRuns({ failures }: Summary): string[] {
  const codes = Object.entries(failures).sort(([, left], [, right]) => right - left);
  if (codes.length === 0) return [];
  return [`Runs that ended as failed: ${codes.map(([code, count]) => `${count} ${code}`).join(', ')}.`];
}

const shownViolations = 20;

function failureOf({ seed, stalled, violations, dump }: TrialResult): string {
  const lines = violations
    .slice(0, shownViolations)
    .map(({ invariant, subject, message }) => `  ${invariant} ${subject} ${message}`);
  const more = violations.length - lines.length;
  return [
    `seed ${seed} broke what was promised; the evidence is in ${dump ?? 'no folder'}`,
    ...(stalled ? ['  nothing moved any more although everything was healed'] : []),
    ...lines,
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join('\n');
}
