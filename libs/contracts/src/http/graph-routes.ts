import { z } from 'zod';
import { graphSchema, graphSummarySchema, validateGraph } from '../orchestrator/commands.js';
import { nameSchema, pageOf, pageRequestSchema } from '../shared.js';
import { defineRoute } from './route.js';

const tag = 'graphs';
const body = {
  kind: 'source',
  mediaTypes: ['application/json', 'application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml', 'text/plain'],
} as const;

export const graphRoutes = {
  publishGraph: defineRoute({
    name: 'publishGraph',
    tag,
    method: 'POST',
    path: '/v1/graphs',
    summary: 'Publishes a graph document; the same document again gives the same version.',
    role: 'editor',
    body,
    responses: { 201: { description: 'The version.', schema: graphSchema } },
  }),
  listGraphs: defineRoute({
    name: 'listGraphs',
    tag,
    method: 'GET',
    path: '/v1/graphs',
    summary: 'The newest version of every graph, by name.',
    role: 'viewer',
    query: z.strictObject(pageRequestSchema.shape),
    responses: { 200: { description: 'A page of graphs.', schema: pageOf(graphSummarySchema) } },
  }),
  getGraph: defineRoute({
    name: 'getGraph',
    tag,
    method: 'GET',
    path: '/v1/graphs/{name}',
    summary: 'One version of a graph with its document, the newest unless said otherwise.',
    role: 'viewer',
    params: z.strictObject({ name: nameSchema }),
    query: z.strictObject({ version: z.int().positive().optional() }),
    responses: { 200: { description: 'The version.', schema: graphSchema } },
  }),
  validateGraph: defineRoute({
    name: 'validateGraph',
    tag,
    method: 'POST',
    path: '/v1/graphs/validate',
    summary: 'Says what is wrong with a graph document, with a path to each mistake; stores nothing.',
    role: 'viewer',
    body,
    responses: { 200: { description: 'Whether it is valid.', schema: validateGraph.response } },
  }),
};
