import { type HttpMethod, type Route, routeList } from '@millrace/contracts';
import { MillraceError, notFound } from '@millrace/kernel';

/** What to say where no route took a request. */
export interface UnknownRoute {
  readonly error: MillraceError;
  /** The methods that the address takes; empty where there is no such address. */
  readonly allowed: readonly HttpMethod[];
}

/** `method_not_allowed` where the address is one of ours, else `unknown_route`. */
export function unknownRoute(path: string): UnknownRoute {
  const segments = path.split('/');
  const allowed = [...new Set(routeList.filter((route) => matches(route, segments)).map(({ method }) => method))];
  const error =
    allowed.length > 0
      ? new MillraceError('invalid', 'method_not_allowed', `This address takes ${allowed.join(', ')}.`)
      : notFound('unknown_route', 'There is nothing at this address. GET /openapi.json lists what there is.');
  return { error, allowed };
}

function matches(route: Route, segments: readonly string[]): boolean {
  const pattern = route.path.split('/');
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => (part.startsWith('{') ? segments[index] !== '' : part === segments[index]))
  );
}
