import { modelRouteSchema, type ModelRoute, type RouteTarget } from '@millrace/contracts';

/** Several models behind one name, `route:NAME`. */
export const routeSchema = modelRouteSchema;
export type Route = ModelRoute;
export type Strategy = Route['strategy'];
export type { RouteTarget };
