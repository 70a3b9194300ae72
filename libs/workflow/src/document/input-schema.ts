/**
 * What may describe a run's input: the part of JSON Schema (2020-12) below. `pattern`, references and combinations are not
 * in it: they take unbounded time, or cannot be checked against the expressions that read the input.
 */
import { z } from 'zod';

const types = ['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'] as const;
const count = z.int().nonnegative();

const valueSchemaSchema = z.strictObject({
  type: z.enum(types),
  title: z.string().optional(),
  description: z.string().optional(),
  default: z.json().optional(),
  enum: z.array(z.json()).min(1).optional(),
  const: z.json().optional(),
  minLength: count.optional(),
  maxLength: count.optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  exclusiveMaximum: z.number().optional(),
  minItems: count.optional(),
  maxItems: count.optional(),
  get items() {
    return valueSchemaSchema.optional();
  },
  get properties() {
    return z.record(z.string(), valueSchemaSchema).optional();
  },
  required: z.array(z.string()).optional(),
  additionalProperties: z.boolean().optional(),
});
export type ValueSchema = z.infer<typeof valueSchemaSchema>;

/** The schema of a run's input is one of an object. */
export const inputSchemaSchema = valueSchemaSchema.extend({ type: z.literal('object') });
export type InputSchema = z.infer<typeof inputSchemaSchema>;
