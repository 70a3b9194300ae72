import type { Route } from '@millrace/contracts';
import { activeTraceparent } from '@millrace/telemetry';
import type { RouteRequest } from '../endpoint/exchange.js';

/** W3C trace context, version 00. */
const traceparentPattern = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The trace of a request: this process's own, or, where it records none, what the caller's own trace is called. */
export function callersTraceparent({ request }: RouteRequest<Route>['http']): string | undefined {
  const header = request.headers['traceparent'];
  return activeTraceparent() ?? (typeof header === 'string' && traceparentPattern.test(header) ? header : undefined);
}
