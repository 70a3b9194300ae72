import { z } from 'zod';
import { defineTask } from '../contract.js';
import { passageSchema } from '../research/citation.js';
import { nameSchema } from '../shared.js';

/** Fails with `no_evidence` (permanent) where the collection says nothing about the query, unless `allowEmpty`. */
export const searchTask = defineTask({
  taskKind: 'search',
  version: 1,
  summary: 'Finds passages in a collection.',
  input: z.strictObject({
    collection: nameSchema,
    query: z.string().min(1).max(2000),
    limit: z.int().min(1).max(100).default(20),
    allowEmpty: z.boolean().default(false),
  }),
  output: z.object({ query: z.string(), passages: z.array(passageSchema), coverage: z.number().min(0).max(1) }),
});
