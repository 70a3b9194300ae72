import type { ErrorShape, JsonObject, JsonValue } from '@millrace/kernel';
import { z } from 'zod';
import { tokenPattern } from './subjects.js';

export const jsonValueSchema: z.ZodType<JsonValue> = z.json();
export const jsonObjectSchema: z.ZodType<JsonObject> = z.record(z.string(), jsonValueSchema);

/** A name that people choose: of a graph, a collection, a tenant. */
export const nameSchema = z.string().regex(tokenPattern, 'must be 1 to 63 lower-case letters, digits, - or _');

export const violationSchema = z.object({ pointer: z.string(), message: z.string() });

export const errorShapeSchema: z.ZodType<ErrorShape> = z.object({
  kind: z.enum([
    'invalid',
    'unauthenticated',
    'forbidden',
    'not-found',
    'conflict',
    'mismatch',
    'too-large',
    'unsupported',
    'overloaded',
    'unavailable',
    'timeout',
    'cancelled',
    'internal',
  ]),
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  violations: z.array(violationSchema).optional(),
  retryAfterSeconds: z.number().nonnegative().optional(),
});

/** What an attempt cost. `costUsd` is 0 for a model without a price. */
export const usageSchema = z.object({
  promptTokens: z.int().nonnegative(),
  completionTokens: z.int().nonnegative(),
  costUsd: z.number().nonnegative(),
});
export type Usage = z.infer<typeof usageSchema>;

/** A page of a list: `cursor` goes into the next call, null on the last page. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), cursor: z.string().nullable() });

export const pageRequestSchema = z.object({
  limit: z.int().min(1).max(200).default(50),
  cursor: z.string().max(500).optional(),
});
