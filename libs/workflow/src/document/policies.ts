/** What a graph says of how its work is done: retries, limits, effects, shared keys, outputs from before, and money. */
import { z } from 'zod';
import { limits } from '../limits.js';
import { duration, expression, template } from './scalars.js';

const retry = z.strictObject({
  maxAttempts: z.int().min(1).max(limits.attempts).default(3),
  backoff: z
    .strictObject({
      initial: duration.default('1s'),
      max: duration.default('30s'),
      factor: z.number().min(1).max(10).default(2),
    })
    .prefault({}),
  on: z.array(z.string().min(1).max(200)).max(50).optional().describe('Error codes or kinds to retry; all by default.'),
});
export type RetryDocument = z.infer<typeof retry>;

export const timeouts = {
  total: duration
    .optional()
    .describe('From the first attempt until the node must have ended, attempts and waits together.'),
  attempt: duration
    .optional()
    .describe('How long a worker may work on one attempt; then the attempt fails, and may be tried again.'),
  idle: duration
    .optional()
    .describe('How long a worker may show no progress; then the attempt fails, and may be tried again.'),
};

const effect = z.strictObject({
  idempotencyKey: expression
    .optional()
    .describe(
      'A text: the target does the work once, however often it is asked with it. Without one, the effect is never repeated.',
    ),
  compensate: z
    .strictObject({
      tool: z.string().min(1).max(100),
      arguments: z.record(z.string(), template).default({}),
    })
    .optional()
    .describe('The tool call that takes the effect back when the run fails or is cancelled; sees `output`.'),
});
export type EffectDocument = z.infer<typeof effect>;

const concurrency = z
  .array(
    z.strictObject({
      key: z.string().min(1).describe('What is shared, by name; may hold ${{ expressions }}.'),
      limit: z.int().min(1).max(limits.concurrency).describe('How many may hold the key at a time.'),
    }),
  )
  .min(1)
  .max(limits.concurrencyKeys);
export type ConcurrencyDocument = z.infer<typeof concurrency>;

/** The keys of a whole run. */
export const runConcurrency = concurrency.describe(
  "A run begins when each key has room among all of the tenant's runs, and holds them until it ends. Keys may read `input` and `run`.",
);

/** The policies of a node that a worker executes. */
export const workerPolicies = {
  retry: retry
    .prefault({})
    .describe('How often to try again what may succeed later. Permanent errors are never retried.'),
  timeout: z.strictObject(timeouts).optional(),
  concurrency: concurrency
    .optional()
    .describe("The node begins when each key has room among all of the tenant's runs, and holds them until it ends."),
  lane: z
    .enum(['sequential', 'parallel'])
    .optional()
    .describe(
      "`sequential`: among all of the tenant's runs, the target (a provider, a tool, a host, …) does one of such tasks at a time, in the order of asking. `parallel` by default.",
    ),
  estimate: z
    .strictObject({ usd: z.number().nonnegative().max(limits.usd) })
    .optional()
    .describe("What an attempt costs at most: reserved from the run's budget while it runs."),
  cache: z
    .strictObject({
      key: z
        .string()
        .min(1)
        .optional()
        .describe('What the output depends on; may hold ${{ expressions }}. The input by default.'),
      ttl: duration.describe('For how long the output may stand in for the work.'),
    })
    .optional()
    .describe("Takes the output that the same work had before, in any of the tenant's runs."),
  effect: effect
    .optional()
    .describe('The work changes something outside: what prevents that it happens twice, and what undoes it.'),
};

/** The policy of a run. */
export const budget = z.strictObject({
  usd: z.number().positive().max(limits.usd).optional().describe('What the run may cost, in US dollars.'),
  wallClock: duration.optional().describe('For how long work may begin.'),
  onExceed: z
    .enum(['pause', 'fail', 'degrade'])
    .default('fail')
    .describe('What happens to work that does not fit: the run waits to be resumed, or fails, or does without it.'),
});
export type BudgetDocument = z.infer<typeof budget>;
