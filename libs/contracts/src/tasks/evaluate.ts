import { z } from 'zod';
import { defineTask } from '../contract.js';
import { citationSchema, passageSchema } from '../research/citation.js';
import { articleSchema } from './llm.js';

/** One check. `score` is 0 to 1, or null where it cannot be scored, which never passes a gate. */
export const checkSchema = z.object({
  score: z.number().min(0).max(1).nullable(),
  confidence: z.enum(['high', 'low']),
  reasons: z.array(z.string()),
});
export type Check = z.infer<typeof checkSchema>;

export const evaluateTask = defineTask({
  taskKind: 'evaluate',
  version: 1,
  summary: 'Scores an article, each score with its reasons.',
  input: z.strictObject({
    suite: z.enum(['quality', 'seo']),
    article: articleSchema,
    citations: z.array(citationSchema).default([]),
    evidence: z.array(passageSchema).default([]),
    keyword: z.string().max(200).optional(),
    /** What the score must reach for `passed`. */
    threshold: z.number().min(0).max(1).default(0.6),
  }),
  output: z.object({
    /** The weighted mean of the checks; null when one of them has no score. */
    score: z.number().min(0).max(1).nullable(),
    passed: z.boolean(),
    checks: z.record(z.string(), checkSchema),
    citations: z.object({ total: z.int().nonnegative(), resolved: z.int().nonnegative() }),
  }),
});
