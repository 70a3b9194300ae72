import { z } from 'zod';
import { defineTask } from '../contract.js';
import { jsonObjectSchema, jsonValueSchema, nameSchema } from '../shared.js';

/** Reads from a database that an operator has configured. Whatever differs from run to run is a parameter, and no part of the text. */
export const databaseTask = defineTask({
  taskKind: 'database',
  version: 1,
  summary: 'Reads rows from a configured database.',
  ackWaitMs: 60_000,
  input: z.strictObject({
    source: nameSchema,
    /** One statement; its places are `$1`, `$2` and so on. */
    sql: z.string().min(1).max(20_000),
    /** A list or an object becomes JSON. */
    parameters: z.array(jsonValueSchema).max(100).default([]),
    /** More rows than these are cut off, which `truncated` says. */
    maxRows: z.int().min(1).max(10_000).default(1_000),
    /** How long the statement may run, in milliseconds. */
    timeoutMs: z.int().min(10).max(60_000).default(10_000),
  }),
  output: z.object({
    rows: z.array(jsonObjectSchema),
    columns: z.array(z.string()),
    truncated: z.boolean(),
  }),
});
