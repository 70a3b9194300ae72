import { invalidInput, type MillraceError, type Violation } from '@millrace/kernel';
import type { z } from 'zod';

export type RequestPart = 'path' | 'query' | 'headers' | 'body';

/** The refusal of a part with all of its mistakes: `invalid_path`, `invalid_query`, `invalid_headers`, `invalid_body`. */
export function mistakesIn(part: RequestPart, violations: readonly Violation[]): MillraceError {
  const [first] = violations;
  const detail = first ? `: ${first.pointer === '' ? 'it' : `${first.pointer}:`} ${first.message}` : '';
  return invalidInput(`invalid_${part}`, `The ${part} of the request has mistakes${detail}.`, violations);
}

/**
 * What to say of a value of the wrong type, so that it can follow "it" or the place of the value; schemas' own words and
 * the library's words for other mistakes stay.
 */
export function wordsForWrongType(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'invalid_type') return undefined;
  if (issue.input === undefined) return 'is missing';
  const expected = issue.expected === 'record' ? 'object' : issue.expected;
  return `must be ${withArticle(expected)}, not ${withArticle(typeOf(issue.input))}`;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function withArticle(type: string): string {
  if (type === 'null') return type;
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
}
