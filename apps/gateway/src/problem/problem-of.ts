import { type Problem, problemStatuses } from '@millrace/contracts';
import { type ErrorKind, MillraceError, toMillraceError } from '@millrace/kernel';
import { HttpException } from '@nestjs/common';

export interface ProblemAnswer {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the HTTP layer says about a request that it refuses itself, by status; the words are ours, not the library's. */
const refusals: Readonly<Record<number, readonly [kind: ErrorKind, code: string, message: string]>> = {
  400: ['invalid', 'malformed_request', 'The request cannot be read.'],
  404: ['not-found', 'unknown_route', 'There is nothing at this address. GET /openapi.json lists what there is.'],
  408: ['invalid', 'request_too_slow', 'The request took too long to arrive.'],
  413: ['too-large', 'body_too_large', 'The body is larger than this route takes.'],
  414: ['invalid', 'address_too_long', 'The address is longer than any of ours.'],
  415: ['unsupported', 'unsupported_media_type', 'The body is not of a media type that this route takes.'],
  431: ['invalid', 'headers_too_large', 'The headers are larger than the server takes.'],
  503: ['unavailable', 'shutting_down', 'This server is shutting down. Try again.'],
};

/** Codes of HTTP itself, whose status is not the one of their kind. */
const statusesByCode: Readonly<Record<string, { readonly status: number; readonly title: string }>> = {
  cursor_expired: { status: 410, title: 'Gone' },
  cursor_lost: { status: 410, title: 'Gone' },
  precondition_required: { status: 428, title: 'Precondition Required' },
  thread_version_mismatch: { status: 412, title: 'Precondition Failed' },
  method_not_allowed: { status: 405, title: 'Method Not Allowed' },
  request_too_slow: { status: 408, title: 'Request Timeout' },
  address_too_long: { status: 414, title: 'URI Too Long' },
  headers_too_large: { status: 431, title: 'Request Header Fields Too Large' },
};

/** Whatever was thrown, as an expected error. An unexpected one becomes `internal_error` and says nothing of its cause. */
export function refusalOf(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const status = statusOf(thrown);
  const refusal = status === undefined ? undefined : refusals[status];
  if (!refusal) return toMillraceError(thrown);
  const [kind, code, message] = refusal;
  return new MillraceError(kind, code, message, { cause: thrown });
}

/** Fastify's errors carry `statusCode`, Nest's a status of their own. */
function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HttpException) return thrown.getStatus();
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  return 'statusCode' in thrown && typeof thrown.statusCode === 'number' ? thrown.statusCode : undefined;
}

/** The body and headers of an error answer. */
export function problemOf(error: MillraceError, correlationId: string, instance?: string): ProblemAnswer {
  const { status, title } = statusesByCode[error.code] ?? problemStatuses[error.kind];
  return {
    problem: {
      type: `urn:millrace:problem:${error.code}`,
      title,
      status,
      detail: error.message,
      code: error.code,
      ...(instance !== undefined && { instance }),
      correlationId,
      errors: error.violations.map(({ pointer, message }) => ({ pointer, message })),
    },
    headers: headersOf(error, status),
  };
}

function headersOf(error: MillraceError, status: number): Record<string, string> {
  if (status === 401) return { 'www-authenticate': 'Bearer realm="millrace"' };
  if (status === 408) return { connection: 'close' };
  const retryAfter = error.retryAfterSeconds ?? (status === 429 || status === 503 ? 1 : undefined);
  return retryAfter === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfter))) };
}
