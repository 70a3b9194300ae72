import type { ErrorKind } from '@millrace/kernel';
import { z } from 'zod';
import { violationSchema } from '../shared.js';

/** Every error body: problem details (RFC 9457). Callers branch on `code`, which stays the same on every surface. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  instance: z.string().optional(),
  correlationId: z.string(),
  /** Each mistake: a JSON pointer (RFC 6901) into the part that `code` names (body, query, path, header). */
  errors: z.array(violationSchema),
});
export type Problem = z.infer<typeof problemSchema>;

export const problemMediaType = 'application/problem+json';

/** The status of every kind of error, and the words for it. */
export const problemStatuses: Readonly<Record<ErrorKind, { readonly status: number; readonly title: string }>> = {
  invalid: { status: 400, title: 'Bad Request' },
  unauthenticated: { status: 401, title: 'Unauthorized' },
  forbidden: { status: 403, title: 'Forbidden' },
  'not-found': { status: 404, title: 'Not Found' },
  conflict: { status: 409, title: 'Conflict' },
  'too-large': { status: 413, title: 'Content Too Large' },
  unsupported: { status: 415, title: 'Unsupported Media Type' },
  mismatch: { status: 422, title: 'Unprocessable Content' },
  overloaded: { status: 429, title: 'Too Many Requests' },
  cancelled: { status: 499, title: 'Client Closed Request' },
  internal: { status: 500, title: 'Internal Server Error' },
  unavailable: { status: 503, title: 'Service Unavailable' },
  timeout: { status: 504, title: 'Gateway Timeout' },
};

const kindsByStatus = new Map<number, ErrorKind>(
  Object.entries(problemStatuses).map(([kind, { status }]) => [status, kind as ErrorKind]),
);

/** The kind of error that a status stands for, also of statuses that Millrace itself never sends. */
export function errorKindOfStatus(status: number): ErrorKind {
  return kindsByStatus.get(status) ?? (status >= 500 ? 'internal' : 'invalid');
}
