import { z } from 'zod';
import { collectionSchema, documentSchema, searchCollection } from '../research/commands.js';
import { nameSchema, pageOf, pageRequestSchema, violationSchema } from '../shared.js';
import { defineRoute } from './route.js';

const tag = 'collections';
const params = z.strictObject({ name: nameSchema });

/** What became of one uploaded file. One bad file does not hurt the good ones beside it. */
export const uploadedDocumentSchema = z.object({
  source: z.string(),
  outcome: z.enum(['created', 'replaced', 'unchanged', 'failed']),
  document: documentSchema.nullable(),
  error: z.object({ code: z.string(), message: z.string(), errors: z.array(violationSchema) }).nullable(),
});
export type UploadedDocument = z.infer<typeof uploadedDocumentSchema>;

export const collectionRoutes = {
  createCollection: defineRoute({
    name: 'createCollection',
    tag,
    method: 'POST',
    path: '/v1/collections',
    summary: 'Creates a collection, or gives the one of that name.',
    role: 'editor',
    body: { kind: 'json', schema: z.strictObject({ name: nameSchema, description: z.string().max(1000).default('') }) },
    responses: {
      200: { description: 'It was there already.', schema: collectionSchema },
      201: { description: 'It was created.', schema: collectionSchema },
    },
  }),
  listCollections: defineRoute({
    name: 'listCollections',
    tag,
    method: 'GET',
    path: '/v1/collections',
    summary: 'Collections by name.',
    role: 'viewer',
    query: z.strictObject(pageRequestSchema.shape),
    responses: { 200: { description: 'A page of collections.', schema: pageOf(collectionSchema) } },
  }),
  uploadDocuments: defineRoute({
    name: 'uploadDocuments',
    tag,
    method: 'POST',
    path: '/v1/collections/{name}/documents',
    summary: 'Adds documents: several files as multipart/form-data, or one as the raw body with its name in `source`.',
    role: 'editor',
    params,
    query: z.strictObject({ source: z.string().min(1).max(1000).optional() }),
    body: { kind: 'upload' },
    responses: {
      200: {
        description: 'What became of each file. A single file that is refused gives its problem instead.',
        schema: z.object({ items: z.array(uploadedDocumentSchema) }),
      },
    },
  }),
  listDocuments: defineRoute({
    name: 'listDocuments',
    tag,
    method: 'GET',
    path: '/v1/collections/{name}/documents',
    summary: 'Documents of a collection by source.',
    role: 'viewer',
    params,
    query: z.strictObject(pageRequestSchema.shape),
    responses: { 200: { description: 'A page of documents.', schema: pageOf(documentSchema) } },
  }),
  searchCollection: defineRoute({
    name: 'searchCollection',
    tag,
    method: 'POST',
    path: '/v1/collections/{name}/search',
    summary: 'Passages of a collection, best first.',
    role: 'viewer',
    params,
    body: {
      kind: 'json',
      schema: z.strictObject({
        query: z.string().min(1).max(2000),
        limit: z.int().min(1).max(100).default(10),
      }),
    },
    responses: { 200: { description: 'The passages.', schema: searchCollection.response } },
  }),
};
