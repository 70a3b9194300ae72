/**
 * Subjects and patterns as NATS defines them: tokens joined by dots; in a pattern `*` stands for one token and a final
 * `>` for one or more.
 */
import { invalidInput } from '@millrace/kernel';

const wellFormed = /^[^\s.]+(\.[^\s.]+)*$/;
const maximumLength = 1000;

function isWellFormed(text: string): boolean {
  return text.length <= maximumLength && wellFormed.test(text);
}

const isWildcard = (token: string): boolean => token === '*' || token === '>';

/** Whether a message may carry it: no empty token, no blank, no wildcard. */
export function isSubject(text: string): boolean {
  if (!isWellFormed(text)) return false;
  return text.includes('*') || text.includes('>') ? !text.split('.').some(isWildcard) : true;
}

/** Whether one may subscribe to it: a subject, or one with `*` for whole tokens and `>` as its last one. */
export function isPattern(text: string): boolean {
  if (!isWellFormed(text)) return false;
  const tail = text.indexOf('>');
  return tail < 0 || tail === text.length - 1 || !text.split('.').slice(0, -1).includes('>');
}

/** @throws MillraceError `invalid_subject` */
export function assertSubject(subject: string): void {
  if (isSubject(subject)) return;
  throw invalidInput(
    'invalid_subject',
    `"${subject.slice(0, 200)}" is not a subject: use tokens joined by dots, without blanks or wildcards.`,
  );
}

/** @throws MillraceError `invalid_subject` */
export function assertPattern(pattern: string): void {
  if (isPattern(pattern)) return;
  throw invalidInput(
    'invalid_subject',
    `"${pattern.slice(0, 200)}" is not a subscription: use tokens joined by dots, "*" for one token, ">" only at the end.`,
  );
}

/** Whether the subject is one of those that the pattern stands for. */
export function matchesSubject(pattern: string, subject: string): boolean {
  if (pattern === subject) return true;
  const wanted = pattern.split('.');
  const given = subject.split('.');
  for (let index = 0; index < wanted.length; index += 1) {
    if (wanted[index] === '>') return given.length > index;
    if (index >= given.length) return false;
    if (wanted[index] !== '*' && wanted[index] !== given[index]) return false;
  }
  return wanted.length === given.length;
}

/** Whether some subject matches both patterns. */
export function patternsOverlap(one: string, other: string): boolean {
  const left = one.split('.');
  const right = other.split('.');
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const a = left[index];
    const b = right[index];
    if (a === undefined || b === undefined) return false;
    if (a === '>' || b === '>') return true;
    if (a !== '*' && b !== '*' && a !== b) return false;
  }
  return true;
}
