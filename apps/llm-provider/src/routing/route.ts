import { answerCacheSchema, nameSchema } from '@millrace/contracts';
import { z } from 'zod';

const milliseconds = z.int().min(1).max(3_600_000);

const targetSchema = z.strictObject({
  /** `openai/gpt-5-mini` */
  model: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}\/[^\s]{1,200}$/, 'must be PROVIDER/MODEL'),
  /** Its share of the calls by the strategy `weighted`. */
  weight: z.number().positive().max(1_000).default(1),
  limits: z
    .strictObject({
      /** Calls at once from one process. */
      concurrency: z.int().min(1).max(10_000).default(16),
      /** In each minute, over all processes. */
      requestsPerMinute: z.int().min(1).max(10_000_000).optional(),
      tokensPerMinute: z.int().min(1).max(1_000_000_000).optional(),
    })
    .default({ concurrency: 16 }),
  /** In milliseconds; what is left out is as for every model. */
  timeout: z
    .strictObject({ first: milliseconds.optional(), idle: milliseconds.optional(), total: milliseconds.optional() })
    .default({}),
});
export type RouteTarget = z.infer<typeof targetSchema>;

/** Several models behind one name, `route:NAME`. */
export const routeSchema = z.strictObject({
  name: nameSchema,
  strategy: z.enum(['weighted', 'least-loaded', 'cheapest', 'fastest']).default('weighted'),
  targets: z.array(targetSchema).min(1).max(50),
  /** Asked in this order when no target is left. */
  fallback: z.array(targetSchema).max(20).default([]),
  /** How often the targets are gone through when all of them fail for a while. */
  rounds: z.int().min(1).max(10).default(2),
  /** Whether calls that say nothing themselves take answers that were given before, where these are meant to be the same. */
  cache: answerCacheSchema.optional(),
  /** Where calls wait when all targets are busy. */
  queue: z
    .strictObject({ size: z.int().min(0).max(100_000).default(100), deadlineMs: milliseconds.default(10_000) })
    .default({ size: 100, deadlineMs: 10_000 }),
});
export type Route = z.infer<typeof routeSchema>;
export type Strategy = Route['strategy'];
