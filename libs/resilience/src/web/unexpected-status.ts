/** What a status means that nobody expected: whether another attempt may find another answer, and when. */
import { MillraceError, type ErrorKind } from '@millrace/kernel';
import type { WebResponse } from './fetch-web.js';

const longestWaitSeconds = 3_600;
/** Another attempt may find another answer. */
const passing: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
const kinds: Readonly<Record<number, ErrorKind>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  408: 'timeout',
  409: 'conflict',
  410: 'not-found',
  413: 'too-large',
  429: 'overloaded',
};
/** Says the host alone: paths and queries may hold secrets. */
export function unexpectedStatus({ status, headers, url }: Omit<WebResponse, 'body'>, now: Date): MillraceError {
  const kind = kinds[status] ?? (status >= 500 ? 'unavailable' : 'invalid');
  const retryAfterSeconds = retryAfter(headers['retry-after'], now);
  return new MillraceError(kind, `http_${status}`, `${new URL(url).host} answered with the status ${status}.`, {
    retryable: passing.has(status),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

/** Seconds, or a date; what is neither is not asked for. */
function retryAfter(text: string | undefined, now: Date): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,9}$/.test(text.trim()) ? Number(text) : (Date.parse(text) - now.getTime()) / 1000;
  return Number.isFinite(seconds) ? Math.min(Math.max(0, Math.ceil(seconds)), longestWaitSeconds) : undefined;
}
