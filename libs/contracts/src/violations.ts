import type { Violation } from '@millrace/kernel';
import type { z } from 'zod';

const maximumViolations = 50;

/** Where a schema found mistakes, as JSON pointers (RFC 6901); at most 50, so that a hostile input cannot make a huge answer. */
export function violationsOf(error: z.core.$ZodError): readonly Violation[] {
  return error.issues.flatMap((issue) => violationsOfIssue(issue)).slice(0, maximumViolations);
}

function violationsOfIssue(issue: z.core.$ZodIssue): Violation[] {
  if (issue.code !== 'unrecognized_keys') return [{ pointer: jsonPointer(issue.path), message: issue.message }];
  return issue.keys.map((key) => ({ pointer: jsonPointer([...issue.path, key]), message: 'is not a known field' }));
}

/** A path as a JSON pointer: `['pages', 3, 'a/b']` is `/pages/3/a~1b`; the whole document is the empty text. */
export const jsonPointer = (path: readonly PropertyKey[]): string =>
  path.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
