/** I1 and I2: every run ends once, and its events are numbered without a gap, each transition once. */
import { terminalEventTypes, terminalStatuses, type RunEventType, type RunStatus } from '@millrace/contracts';
import { acceptedRunIds, type Evidence, type ObservedEvent, type ObservedRun, type Violation } from './evidence.js';

const isTerminal = ({ type }: ObservedEvent): boolean => terminalEventTypes.has(type as RunEventType);

const statusAfter: Readonly<Record<string, RunStatus>> = {
  RunCompleted: 'completed',
  RunFailed: 'failed',
  RunCancelled: 'cancelled',
};

/** I1: after 202 a run reaches exactly one terminal state. So does a run that was stored without a caller who knows. */
export function checkEnds({ starts, runs }: Evidence): Violation[] {
  const byId = new Map(runs.map((run) => [run.id, run]));
  const lost = [...acceptedRunIds(starts)].filter((id) => !byId.has(id) || byId.get(id)?.status === 'unknown');
  return [
    ...lost.map((id) => broken(id, 'was accepted, and nobody knows of it')),
    ...runs.filter(({ status }) => status !== 'unknown').flatMap(wrongEnds),
  ];
}

const broken = (subject: string, message: string): Violation => ({ invariant: 'I1', subject, message });

function wrongEnds(run: ObservedRun): Violation[] {
  const { id, status, events } = run;
  const ends = events.filter(isTerminal);
  const [end] = ends;
  if (!terminalStatuses.has(status as RunStatus) || end === undefined) return [broken(id, `has not ended: ${status}`)];
  const problems: string[] = [];
  if (ends.length > 1) problems.push(`has ended ${ends.length} times: ${ends.map(({ type }) => type).join(', ')}`);
  if (events.at(-1) !== ends.at(-1)) problems.push(`goes on after its end with ${events.at(-1)?.type}`);
  if (statusAfter[end.type] !== status) problems.push(`is ${status}, and its events say ${end.type}`);
  return problems.map((problem) => broken(id, problem));
}

/** I2: positions 1 to n, each transition once. */
export function checkHistories({ runs }: Evidence): Violation[] {
  return runs.flatMap(({ id, events }) =>
    [...gaps(events), ...repeatedTransitions(events)].map((message): Violation => ({
      invariant: 'I2',
      subject: id,
      message,
    })),
  );
}

function gaps(events: readonly ObservedEvent[]): string[] {
  const wrong = events.findIndex(({ position }, index) => position !== index + 1);
  const begins = events[0] === undefined || events[0].type === 'RunStarted';
  return [
    ...(wrong === -1 ? [] : [`has position ${events[wrong]?.position} where ${wrong + 1} is due`]),
    ...(begins ? [] : [`begins with ${events[0]?.type}`]),
  ];
}

/** A field of an event's data as text; empty where there is none. */
function field(data: unknown, name: string): string {
  const value = (data as Record<string, unknown> | null)?.[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** What names a transition that may happen once in a run. */
function transitionOf({ type, data }: ObservedEvent): string {
  const parts = ['node', 'attempt', 'round'].map((name) => field(data, name));
  switch (type) {
    // A node ends once, whatever the attempt.
    case 'NodeCompleted':
    case 'NodeFailed':
    case 'NodeSkipped':
      return `the end of ${parts[0]}`;
    default:
      return `${type} ${parts.filter((part) => part !== '').join(' ')}`.trim();
  }
}

function repeatedTransitions(events: readonly ObservedEvent[]): string[] {
  const counts = new Map<string, number>();
  for (const event of events) {
    const transition = transitionOf(event);
    counts.set(transition, (counts.get(transition) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > 1).map(([name, count]) => `has ${name} ${count} times`);
}
