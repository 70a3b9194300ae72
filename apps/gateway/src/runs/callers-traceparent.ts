import type { Route } from '@millrace/contracts';
import { activeTraceparent } from '@millrace/telemetry';
import type { RouteRequest } from '../endpoint/exchange.js';
import { traceparentIn } from '../endpoint/traceparent.js';

/** The trace of a request: this process's own, or, where it records none, what the caller's own trace is called. */
export function callersTraceparent({ request }: RouteRequest<Route>['http']): string | undefined {
  return activeTraceparent() ?? traceparentIn(request.headers['traceparent']) ?? undefined;
}
