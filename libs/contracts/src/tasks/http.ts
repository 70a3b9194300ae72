import { z } from 'zod';
import { defineTask } from '../contract.js';
import { jsonValueSchema } from '../shared.js';

/** Methods that change nothing where they are sent, so that sending them again is harmless by itself. */
export const safeMethods = ['GET', 'HEAD'] as const;

/**
 * Sends one request to the public Internet. Another status than those expected fails it: permanently for most of 4xx, to be tried again
 * for 408, 425, 429 and 5xx, no sooner than `Retry-After` asks.
 */
export const httpTask = defineTask({
  taskKind: 'http',
  version: 1,
  summary: 'Sends an HTTP request.',
  ackWaitMs: 60_000,
  input: z.strictObject({
    method: z.enum([...safeMethods, 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
    url: z.string().min(1).max(8_192),
    headers: z.record(z.string().max(200), z.string().max(8_192)).default({}),
    /** A text is sent as it is, any other value as JSON. */
    body: jsonValueSchema.optional(),
    /** What the answer's status must be; any 2xx by default. */
    status: z.array(z.int().min(200).max(599)).min(1).max(50).optional(),
    /** Bytes that the answer may have. */
    maxBytes: z
      .int()
      .min(1)
      .max(4 * 1024 * 1024)
      .default(1024 * 1024),
    /** How many redirects are followed. */
    redirects: z.int().min(0).max(10).default(5),
  }),
  output: z.object({
    status: z.int(),
    /** Names in lower case; those of cookies are left out. */
    headers: z.record(z.string(), z.string()),
    /** Text as it is, anything else as base64. */
    body: z.string(),
    encoding: z.enum(['text', 'base64']),
    /** The body, where it is JSON and says so; else null. */
    json: jsonValueSchema.nullable(),
    /** Where the answer came from, after redirects. */
    url: z.string(),
  }),
});
