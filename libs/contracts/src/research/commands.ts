import { z } from 'zod';
import { defineCommand, defineEvent } from '../contract.js';
import { nameSchema, pageOf, pageRequestSchema } from '../shared.js';
import { citationSchema, passageSchema } from './citation.js';

const owner = 'research';

export const collectionSchema = z.object({
  name: nameSchema,
  description: z.string(),
  documents: z.int().nonnegative(),
  chunks: z.int().nonnegative(),
  createdAt: z.iso.datetime(),
});
export type Collection = z.infer<typeof collectionSchema>;

export const documentSchema = z.object({
  id: z.string(),
  collection: nameSchema,
  source: z.string(),
  title: z.string(),
  mediaType: z.string(),
  snapshotSha256: z.string(),
  /** Length of the snapshot text in UTF-16 code units. */
  characters: z.int().nonnegative(),
  chunks: z.int().nonnegative(),
  createdAt: z.iso.datetime(),
});
export type Document = z.infer<typeof documentSchema>;

export const createCollection = defineCommand({
  owner,
  entity: 'collection',
  action: 'create',
  version: 1,
  summary: 'Creates a collection, or gives the one of that name.',
  request: z.object({ name: nameSchema, description: z.string().max(1000).default('') }),
  response: z.object({ collection: collectionSchema, created: z.boolean() }),
});
export const listCollections = defineCommand({
  owner,
  entity: 'collection',
  action: 'list',
  version: 1,
  summary: 'Collections by name.',
  request: pageRequestSchema,
  response: pageOf(collectionSchema),
});
/** `content` is base64. A document of the same source and content changes nothing; of other content it replaces the old one. */
export const ingestDocument = defineCommand({
  owner,
  entity: 'document',
  action: 'ingest',
  version: 1,
  summary: 'Extracts, snapshots, chunks and indexes one document.',
  request: z.object({
    collection: nameSchema,
    source: z.string().min(1).max(1000),
    mediaType: z.string().max(200).optional(),
    content: z.base64(),
  }),
  response: z.object({ document: documentSchema, outcome: z.enum(['created', 'replaced', 'unchanged']) }),
});
export const listDocuments = defineCommand({
  owner,
  entity: 'document',
  action: 'list',
  version: 1,
  summary: 'Documents of a collection by source.',
  request: pageRequestSchema.extend({ collection: nameSchema }),
  response: pageOf(documentSchema),
});
export const searchCollection = defineCommand({
  owner,
  entity: 'collection',
  action: 'search',
  version: 1,
  summary: 'Passages of a collection, best first.',
  request: z.object({
    collection: nameSchema,
    query: z.string().min(1).max(2000),
    limit: z.int().min(1).max(100).default(10),
  }),
  response: z.object({
    passages: z.array(passageSchema),
    /** Share of the query's informative words (weighted by rarity) that the passages hold, 0 to 1: how much evidence there is. */
    coverage: z.number().min(0).max(1),
  }),
});
/** Whether citations are true: the snapshot is stored, is that document's, and holds exactly the quote at the span. */
export const resolveCitations = defineCommand({
  owner,
  entity: 'citation',
  action: 'resolve',
  version: 1,
  summary: 'Checks citations against the stored snapshots.',
  request: z.object({ citations: z.array(citationSchema).max(1000) }),
  response: z.object({
    resolutions: z.array(
      z.object({ marker: z.int().positive(), resolved: z.boolean(), reason: z.string().optional() }),
    ),
  }),
});

export const documentIngestedEvent = defineEvent({
  owner,
  entity: 'document',
  action: 'ingested',
  version: 1,
  summary: 'A document was added to a collection or replaced in it.',
  data: z.object({ documentId: z.string(), collection: nameSchema, source: z.string(), snapshotSha256: z.string() }),
  about: 'documentId',
});
