import { z } from 'zod';
import { defineRoute } from './route.js';

const tag = 'system';
const health = z.object({ status: z.enum(['ok', 'unavailable']), problems: z.array(z.string()) });

export const systemRoutes = {
  liveness: defineRoute({
    name: 'liveness',
    tag,
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the process lives; looks at no dependency.',
    role: 'public',
    responses: { 200: { description: 'It lives.', schema: health } },
  }),
  readiness: defineRoute({
    name: 'readiness',
    tag,
    method: 'GET',
    path: '/readyz',
    summary: 'Whether requests can be served: the bus and the database are there.',
    role: 'public',
    responses: {
      200: { description: 'Ready.', schema: health },
      503: { description: 'Not ready, and why.', schema: health },
    },
  }),
  openapi: defineRoute({
    name: 'openapi',
    tag,
    method: 'GET',
    path: '/openapi.json',
    summary: 'This API as OpenAPI 3.1.',
    role: 'public',
    responses: { 200: { description: 'The document.', schema: z.record(z.string(), z.unknown()) } },
  }),
};
