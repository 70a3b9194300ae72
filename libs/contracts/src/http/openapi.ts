import type { JsonObject } from '@millrace/kernel';
import type { z } from 'zod';
import { sharedShapes } from '../json-schema.js';
import { problemMediaType, problemSchema } from './problem.js';
import type { Route, RouteBody, RouteResponse } from './route.js';
import { routeList } from './routes.js';

type Shapes = ReturnType<typeof sharedShapes>;

/** The OpenAPI 3.1 document of routes, all of them unless said otherwise. Pure: the same routes give the same document. */
export function openApiDocument(routes: readonly Route[] = routeList): JsonObject {
  const shapes = sharedShapes('#/components/schemas/');
  const problem = { description: 'What is wrong.', content: { [problemMediaType]: schemaOf(shapes, problemSchema) } };
  const paths: Record<string, JsonObject> = {};
  for (const route of routes) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route, shapes);
  }
  return {
    openapi: '3.1.1',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Millrace',
      version: '1',
      summary: 'Durable LLM task graphs.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { apiKey: [] }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key.' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      responses: { Problem: problem },
      schemas: Object.fromEntries(Object.entries(shapes.shapes).sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
}

function operationOf(route: Route, shapes: Shapes): JsonObject {
  const parameters = [
    ...parametersOf('path', route.params, shapes),
    ...parametersOf('query', route.query, shapes),
    ...parametersOf('header', route.headers, shapes),
  ];
  return {
    operationId: route.name,
    tags: [route.tag],
    summary: route.summary,
    ...(route.role === 'public'
      ? { security: [] }
      : { description: `Needs the role \`${route.role}\` or one above it.` }),
    ...(parameters.length > 0 && { parameters }),
    ...(route.body !== null && { requestBody: requestBodyOf(route.body, shapes) }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.responses).map(([status, response]) => [status, responseOf(response, shapes)]),
      ),
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function parametersOf(place: 'path' | 'query' | 'header', fields: z.ZodObject, shapes: Shapes): JsonObject[] {
  const { properties = {}, required = [] } = shapes.take(fields, 'input') as {
    properties?: Record<string, JsonObject>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema,
  }));
}

function requestBodyOf(body: RouteBody, shapes: Shapes): JsonObject {
  switch (body.kind) {
    case 'json':
      return {
        required: !body.schema.safeParse(undefined).success,
        content: { 'application/json': schemaOf(shapes, body.schema, 'input') },
      };
    case 'source':
      return {
        required: true,
        content: Object.fromEntries(
          body.mediaTypes.map((type) => [
            type,
            { schema: { type: type === 'application/json' ? 'object' : 'string' } },
          ]),
        ),
      };
    case 'media':
      return {
        required: true,
        content: Object.fromEntries(
          Object.entries(body.schemas).map(([type, schema]) => [type, schemaOf(shapes, schema, 'input')]),
        ),
      };
    case 'upload':
      return {
        required: true,
        content: {
          'multipart/form-data': {
            schema: { type: 'object', additionalProperties: { type: 'string', contentMediaType: '*/*' } },
          },
          '*/*': { schema: {} },
        },
      };
  }
}

function responseOf(response: RouteResponse, shapes: Shapes): JsonObject {
  const { description, schema, mediaType, headers } = response;
  return {
    description,
    ...(headers && {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, meaning]) => [name, { description: meaning, schema: { type: 'string' } }]),
      ),
    }),
    ...((schema ?? mediaType) && {
      content: {
        ...(schema && { 'application/json': schemaOf(shapes, schema) }),
        ...(mediaType && { [mediaType]: { schema: { type: 'string' } } }),
      },
    }),
  };
}

function schemaOf(shapes: Shapes, schema: z.ZodType, direction: 'input' | 'output' = 'output'): JsonObject {
  return { schema: shapes.take(schema, direction) };
}
