import { approvalRoutes } from './approval-routes.js';
import { collectionRoutes } from './collection-routes.js';
import { eventRoutes } from './event-routes.js';
import { graphRoutes } from './graph-routes.js';
import { keyRoutes } from './key-routes.js';
import { modelRouteRoutes } from './model-route-routes.js';
import { openAiResponsesRoutes } from './openai-responses.js';
import { openAiRoutes } from './openai-routes.js';
import { rerankRoutes } from './rerank-routes.js';
import { providerRoutes } from './provider-routes.js';
import type { Route } from './route.js';
import { runRoutes } from './run-routes.js';
import { spendingRoutes } from './spending-routes.js';
import { scheduleRoutes } from './schedule-routes.js';
import { systemRoutes } from './system-routes.js';
import { threadRoutes } from './thread-routes.js';
import { webhookRoutes } from './webhook-routes.js';

/** The whole HTTP API, by operation id. */
export const routes = {
  ...runRoutes,
  ...approvalRoutes,
  ...scheduleRoutes,
  ...threadRoutes,
  ...graphRoutes,
  ...collectionRoutes,
  ...eventRoutes,
  ...webhookRoutes,
  ...keyRoutes,
  ...providerRoutes,
  ...modelRouteRoutes,
  ...rerankRoutes,
  ...spendingRoutes,
  ...openAiRoutes,
  ...openAiResponsesRoutes,
  ...systemRoutes,
};

export const routeList: readonly Route[] = Object.values(routes);
