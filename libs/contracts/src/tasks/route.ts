import { z } from 'zod';
import { defineTask } from '../contract.js';
import { modelNameSchema } from '../llm-provider/chat.js';
import { jsonValueSchema, nameSchema } from '../shared.js';

/** Something that an intent needs to know. */
export const slotSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-zA-Z0-9_]{0,62}$/, 'must be a lower-case letter and then letters, digits or _'),
  description: z.string().max(500).default(''),
  type: z.enum(['string', 'number', 'boolean']).default('string'),
  /** The only values that there are. */
  values: z.array(z.string().min(1).max(200)).min(1).max(100).optional(),
  required: z.boolean().default(false),
});
export type Slot = z.infer<typeof slotSchema>;

/** What somebody may want, told by a description and by things that people say who want it. */
export const intentSchema = z.strictObject({
  name: nameSchema,
  description: z.string().max(1_000).default(''),
  examples: z.array(z.string().min(1).max(500)).max(50).default([]),
  slots: z.array(slotSchema).max(20).default([]),
});
export type Intent = z.infer<typeof intentSchema>;

/** Chooses among intents by what a text says. A language model does where one is configured, else likeness to the examples. */
export const routeTask = defineTask({
  taskKind: 'router',
  version: 1,
  summary: 'Chooses the intent of a text, and reads its slots.',
  ackWaitMs: 60_000,
  input: z.strictObject({
    text: z.string().min(1).max(20_000),
    intents: z.array(intentSchema).min(1).max(50),
    /** Absent: the one that is configured. */
    model: modelNameSchema.optional(),
  }),
  output: z.object({
    /** Null where none of them fits. */
    intent: z.string().nullable(),
    /** 0 to 1: how sure the choice is. Comparable for one model, not between models. */
    confidence: z.number().min(0).max(1),
    slots: z.record(z.string(), jsonValueSchema),
    /** Required slots of the intent that the text says nothing of. */
    missing: z.array(z.string()),
    model: z.string(),
  }),
});
