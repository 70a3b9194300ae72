import { z } from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** A span of a stored snapshot: `start` and `end` are offsets in UTF-16 code units into its text. */
export const spanSchema = z.object({
  documentId: z.string(),
  snapshotSha256: sha256,
  start: z.int().nonnegative(),
  end: z.int().nonnegative(),
});
export type Span = z.infer<typeof spanSchema>;

/** What retrieval found. `text` is exactly the snapshot's slice from `start` to `end`. */
export const passageSchema = spanSchema.extend({
  chunkId: z.string(),
  /** The document's path or address, as it was given on ingest. */
  source: z.string(),
  title: z.string(),
  /** The headings above the passage, outermost first. */
  headings: z.array(z.string()),
  text: z.string(),
  /** BM25, not comparable between queries. */
  score: z.number(),
});
export type Passage = z.infer<typeof passageSchema>;

/** The source of one claim: `[marker]` in the text, and the words it rests on, exactly as the snapshot has them. */
export const citationSchema = spanSchema.extend({
  marker: z.int().positive(),
  source: z.string(),
  quote: z.string(),
});
export type Citation = z.infer<typeof citationSchema>;
