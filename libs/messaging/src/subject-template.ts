/** What subjects have in common: with `*` for the tenant, the run or the partition, so that there are no more than contracts. */
import * as contracts from '@millrace/contracts';
import {
  eventSubject,
  liveEndSubject,
  liveEventsSubject,
  liveTokensSubject,
  mailboxSubject,
  resultSubject,
  type Contract,
} from '@millrace/contracts';

const deadLetterPrefix = 'dlq.';
const kinds: ReadonlySet<string> = new Set(['cmd', 'task', 'result', 'evt', 'live', 'dlq']);
const kindsWithTemplatedSecondToken: ReadonlySet<string> = new Set(['evt', 'live', 'result']);
const partitionToken = /\.partition-\d+\./;

function isContract(value: unknown): value is Contract {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('name' in value)) return false;
  return value.kind === 'command' || value.kind === 'task' || value.kind === 'event';
}

const known: ReadonlySet<string> = new Set([
  ...Object.values(contracts as Record<string, unknown>)
    .filter(isContract)
    .map((contract) => (contract.kind === 'event' ? eventSubject(contract, '*') : contract.subject)),
  ...[liveEventsSubject('*'), liveEndSubject('*'), liveTokensSubject('*')],
  ...[withoutSecondToken(resultSubject(0)), withoutPartition(mailboxSubject(0))],
]);

/**
 * The template of a subject or of a subscription: `evt.*.run.completed.v1` for every tenant's. A subject of no contract becomes its
 * kind, `task.>`; whatever is none of ours `other`. The set of answers is closed.
 */
export function subjectTemplate(subject: string): string {
  if (known.has(subject)) return subject;
  if (subject.startsWith(deadLetterPrefix))
    return deadLetterPrefix + subjectTemplate(subject.slice(deadLetterPrefix.length));
  const kind = subject.slice(0, subject.indexOf('.'));
  const template = kindsWithTemplatedSecondToken.has(kind) ? withoutSecondToken(subject) : withoutPartition(subject);
  if (known.has(template)) return template;
  return kinds.has(kind) ? `${kind}.>` : 'other';
}

function withoutSecondToken(subject: string): string {
  const first = subject.indexOf('.');
  const second = subject.indexOf('.', first + 1);
  return second === -1 ? subject : `${subject.slice(0, first)}.*${subject.slice(second)}`;
}

function withoutPartition(subject: string): string {
  return subject.replace(partitionToken, '.partition-*.');
}
