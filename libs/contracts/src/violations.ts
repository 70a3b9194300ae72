import type { Violation } from '@millrace/kernel';
import type { z } from 'zod';

const maximumViolations = 50;

/** Where a schema found mistakes, as JSON pointers (RFC 6901); at most 50, so that a hostile input cannot make a huge answer. */
export function violationsOf(error: z.core.$ZodError): readonly Violation[] {
  return error.issues.flatMap((issue) => violationsOfIssue(issue)).slice(0, maximumViolations);
}

function violationsOfIssue(issue: z.core.$ZodIssue): Violation[] {
  if (issue.code === 'invalid_union' && issue.errors.length > 0) return violationsOfUnion(issue);
  if (issue.code !== 'unrecognized_keys') return [{ pointer: jsonPointer(issue.path), message: issue.message }];
  return issue.keys.map((key) => ({ pointer: jsonPointer([...issue.path, key]), message: 'is not a known field' }));
}

/** A path as a JSON pointer: `['pages', 3, 'a/b']` is `/pages/3/a~1b`; the whole document is the empty text. */
export const jsonPointer = (path: readonly PropertyKey[]): string =>
  path.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/**
 * Of a union, the mistakes of the branch that the value was meant for: the one whose mistakes lie deepest, and among
 * those at the same depth one that knew the value's type.
 */
function violationsOfUnion(issue: z.core.$ZodIssueInvalidUnion): Violation[] {
  const depthOf = (branch: z.core.$ZodIssue[]) => Math.max(...branch.map(({ path }) => path.length));
  const knowsType = (branch: z.core.$ZodIssue[]) => (branch.some(({ code }) => code === 'invalid_type') ? 0 : 1);
  const [meant, next] = issue.errors.toSorted((a, b) => depthOf(b) - depthOf(a) || knowsType(b) - knowsType(a));
  if (!meant || (next && depthOf(meant) === 0 && knowsType(meant) === 0)) {
    const messages = new Set(issue.errors.map((branch) => branch[0]?.message));
    return [{ pointer: jsonPointer(issue.path), message: [...messages].join('; or ') }];
  }
  return meant.flatMap((inner) => violationsOfIssue({ ...inner, path: [...issue.path, ...inner.path] }));
}
