import { z } from 'zod';
import { defineTask } from '../contract.js';
import { jsonObjectSchema, jsonValueSchema } from '../shared.js';

export const toolTask = defineTask({
  taskKind: 'tool',
  version: 1,
  summary: 'Calls a tool of the toolbox.',
  input: z.strictObject({ tool: z.string().min(1).max(100), arguments: jsonObjectSchema.default({}) }),
  output: z.object({ result: jsonValueSchema }),
});
