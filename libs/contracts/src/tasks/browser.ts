import { z } from 'zod';
import { defineTask } from '../contract.js';
import { passageSchema } from '../research/citation.js';
import { nameSchema } from '../shared.js';

/**
 * Fetches a page of the public Internet, without running its scripts, and stores what is to be read of it as a document of a collection:
 * what is cited from it resolves from then on, also when the page has changed.
 */
export const browserTask = defineTask({
  taskKind: 'browser',
  version: 1,
  summary: 'Fetches a page and stores what is to be read of it.',
  ackWaitMs: 60_000,
  input: z.strictObject({
    url: z.string().min(1).max(8_192),
    collection: nameSchema,
    /** Bytes that the page may have. */
    maxBytes: z
      .int()
      .min(1)
      .max(20 * 1024 * 1024)
      .default(5 * 1024 * 1024),
    /** How many redirects are followed. */
    redirects: z.int().min(0).max(10).default(5),
    /** How many passages are given, from the beginning of the page on. */
    maxPassages: z.int().min(1).max(200).default(50),
  }),
  output: z.object({
    /** Where the page was in the end; also the source of its citations. */
    url: z.string(),
    title: z.string(),
    mediaType: z.string(),
    documentId: z.string(),
    snapshotSha256: z.string(),
    /** Characters of all that is to be read. */
    characters: z.int().nonnegative(),
    /** In the order of the page; their score is 0. */
    passages: z.array(passageSchema),
    truncated: z.boolean(),
    /** Whether the collection had this page, and as it is now. */
    outcome: z.enum(['created', 'replaced', 'unchanged']),
  }),
});
