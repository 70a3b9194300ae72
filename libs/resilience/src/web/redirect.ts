/** Where a redirect leads, and what goes there. */
import { MillraceError } from '@millrace/kernel';
import type { IncomingMessage } from 'node:http';
import type { Hop } from './fetch-web.js';
import type { WebGuard } from './web-guard.js';

const redirecting: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** What says nothing of the caller, so that another origin may see it. */
const harmless: ReadonlySet<string> = new Set(['accept', 'accept-language', 'user-agent']);
const aboutBody: ReadonlySet<string> = new Set(['content-type', 'content-length', 'content-encoding']);

/**
 * The hop after this one; undefined where the response is no redirect. The guard looks at it as at the first.
 * @throws MillraceError `redirect_refused`, and what the guard throws
 */
export function nextHop(guard: WebGuard, hop: Hop, response: IncomingMessage): Hop | undefined {
  const { location } = response.headers;
  const status = response.statusCode ?? 0;
  if (!redirecting.has(status) || location === undefined) return undefined;
  const target = URL.parse(location, hop.url.href);
  if (target === null) throw refusal('The answer redirects to what is no URL.');
  const url = guard.check(target.href);
  if (hop.url.protocol === 'https:' && url.protocol === 'http:')
    throw refusal('The answer redirects from https to http.');
  const isForeign = url.origin !== hop.url.origin;
  const isAnotherGet = status === 303 ? hop.method !== 'HEAD' : status < 303 && hop.method === 'POST';
  if (isAnotherGet) return { method: 'GET', url, body: undefined, headers: kept(hop, isForeign, false) };
  if (isForeign && hop.body !== undefined) throw refusal('The answer would have what was sent go to another origin.');
  return { ...hop, url, headers: kept(hop, isForeign, true) };
}

const kept = ({ headers }: Hop, isForeign: boolean, keepsBody: boolean): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => (!isForeign || harmless.has(name)) && (keepsBody || !aboutBody.has(name)),
    ),
  );

const refusal = (message: string): MillraceError => new MillraceError('forbidden', 'redirect_refused', message);
