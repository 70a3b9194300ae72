/** JSON Schema (2020-12) of the contracts, with the shapes that recur named once. */
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { z } from 'zod';
import { cloudEventSchema } from './cloud-event/cloud-event.js';
import { newCloudEventSchema } from './cloud-event/custom-event.js';
import { apiKeySchema, createdApiKeySchema, newApiKeySchema } from './gateway/commands.js';
import { uploadedDocumentSchema } from './http/collection-routes.js';
import { problemSchema } from './http/problem.js';
import { graphSchema, graphSummarySchema } from './orchestrator/commands.js';
import { runEventSchema } from './orchestrator/run-event.js';
import { graphIdentitySchema, runErrorSchema, runSchema, runSummarySchema, stepSchema } from './orchestrator/run.js';
import { citationSchema, passageSchema, spanSchema } from './research/citation.js';
import { collectionSchema, documentSchema } from './research/commands.js';
import { errorShapeSchema, jsonValueSchema, usageSchema, violationSchema } from './shared.js';
import { checkSchema } from './tasks/evaluate.js';
import { articleSchema } from './tasks/llm.js';

const names = z.registry<{ id: string }>();
const named: Readonly<Record<string, z.ZodType>> = {
  ApiKey: apiKeySchema,
  Article: articleSchema,
  Check: checkSchema,
  Citation: citationSchema,
  CloudEvent: cloudEventSchema,
  Collection: collectionSchema,
  CreatedApiKey: createdApiKeySchema,
  Document: documentSchema,
  Error: errorShapeSchema,
  Graph: graphSchema,
  GraphIdentity: graphIdentitySchema,
  GraphSummary: graphSummarySchema,
  JsonValue: jsonValueSchema,
  NewApiKey: newApiKeySchema,
  NewCloudEvent: newCloudEventSchema,
  Passage: passageSchema,
  Problem: problemSchema,
  Run: runSchema,
  RunError: runErrorSchema,
  RunEvent: runEventSchema,
  RunSummary: runSummarySchema,
  Span: spanSchema,
  Step: stepSchema,
  UploadedDocument: uploadedDocumentSchema,
  Usage: usageSchema,
  Violation: violationSchema,
};
for (const [id, schema] of Object.entries(named)) names.add(schema, { id });

/**
 * The JSON Schema of a zod schema. `direction` is `input` for what is sent to Millrace, where fields with defaults
 * may be left out, and `output` for what comes from it. Named shapes are references into `$defs`.
 */
export function jsonSchemaOf(schema: z.ZodType, direction: 'input' | 'output'): JsonObject {
  return z.toJSONSchema(schema, {
    io: direction,
    metadata: names,
    override: ({ jsonSchema, zodSchema }) => {
      // Every integer would carry the bounds of a safe integer otherwise, which say nothing about the contract.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      // No format of JSON Schema; `contentEncoding` says it.
      if (jsonSchema.format === 'base64') delete jsonSchema.format;
      // Readers accept fields that they do not know, so that a newer version may add some. Only what is strict refuses them.
      const { def } = zodSchema._zod;
      if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties;
      delete jsonSchema.id;
    },
  }) as JsonObject;
}

/**
 * Moves the named shapes of schemas to one place of a larger document: `take` gives a schema whose references point
 * at `prefix`, and `shapes` holds what they point at, by name.
 */
export function sharedShapes(prefix: string): {
  readonly shapes: JsonObject;
  take(schema: z.ZodType, direction: 'input' | 'output'): JsonObject;
} {
  const shapes: JsonObject = {};
  const take = (schema: z.ZodType, direction: 'input' | 'output'): JsonObject => {
    const { $schema: _dialect, $defs, ...rest } = jsonSchemaOf(schema, direction);
    for (const [name, shape] of Object.entries(($defs ?? {}) as JsonObject)) {
      const moved = redirect(shape, prefix);
      if (name in shapes && JSON.stringify(shapes[name]) !== JSON.stringify(moved)) {
        throw new Error(`The shape ${name} differs between what is sent and what is answered: name two shapes.`);
      }
      shapes[name] = moved;
    }
    return redirect(rest, prefix) as JsonObject;
  };
  return { shapes, take };
}

function redirect(value: JsonValue, prefix: string): JsonValue {
  if (Array.isArray(value)) return value.map((item) => redirect(item, prefix));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) =>
      key === '$ref' && typeof item === 'string'
        ? [key, item.replace('#/$defs/', prefix)]
        : [key, redirect(item, prefix)],
    ),
  );
}
