import { z } from 'zod';
import { graphSchema, graphSummarySchema, validateGraph } from '../orchestrator/commands.js';
import { aliasNameSchema, graphAliasSchema } from '../orchestrator/graph-alias.js';
import { nameSchema, pageOf, pageRequestSchema } from '../shared.js';
import { defineRoute } from './route.js';

const tag = 'graphs';
const aliasParams = z.strictObject({ name: nameSchema, alias: aliasNameSchema });
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
    query: z.strictObject({ version: z.int().positive().optional(), alias: aliasNameSchema.optional() }),
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
  setGraphAlias: defineRoute({
    name: 'setGraphAlias',
    tag,
    method: 'PUT',
    path: '/v1/graphs/{name}/aliases/{alias}',
    summary: 'Makes an alias mean a version of a graph: `NAME@ALIAS` starts that version from now on.',
    role: 'editor',
    params: aliasParams,
    body: { kind: 'json', schema: z.strictObject({ version: z.int().positive() }) },
    responses: { 200: { description: 'The alias as it is now.', schema: graphAliasSchema } },
  }),
  listGraphAliases: defineRoute({
    name: 'listGraphAliases',
    tag,
    method: 'GET',
    path: '/v1/graphs/{name}/aliases',
    summary: 'What aliases of a graph mean now.',
    role: 'viewer',
    params: z.strictObject({ name: nameSchema }),
    responses: {
      200: { description: 'All of them, by name.', schema: z.object({ items: z.array(graphAliasSchema) }) },
    },
  }),
  deleteGraphAlias: defineRoute({
    name: 'deleteGraphAlias',
    tag,
    method: 'DELETE',
    path: '/v1/graphs/{name}/aliases/{alias}',
    summary: 'Forgets an alias; the version that it meant stays.',
    role: 'editor',
    params: aliasParams,
    responses: {
      200: { description: 'It is gone.', schema: z.object({ graph: nameSchema, alias: aliasNameSchema }) },
    },
  }),
};
