/**
 * Subjects and patterns as NATS defines them: tokens joined by dots; in a pattern `*` stands for one token and a final
 * `>` for one or more.
 */
import { invalidInput } from '@millrace/kernel';

const subjectForm = /^[^\s.*>]+(\.[^\s.*>]+)*$/;
const patternForm = /^((\*|[^\s.*>]+)\.)*(\*|>|[^\s.*>]+)$/;
const maximumLength = 1000;

/** Whether a message may carry it: no empty token, no blank, no wildcard. */
export const isSubject = (text: string): boolean => text.length <= maximumLength && subjectForm.test(text);

/** Whether one may subscribe to it: a subject, or one with `*` for whole tokens and `>` as its last one. */
export const isPattern = (text: string): boolean => text.length <= maximumLength && patternForm.test(text);

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
