import { z } from 'zod';
import { threadIdSchema } from '../orchestrator/thread-id.js';
import { threadSchema, threadStateSchema, threadVersionSchema } from '../orchestrator/thread.js';
import { jsonObjectSchema, pageOf, pageRequestSchema } from '../shared.js';
import { defineRoute } from './route.js';

const tag = 'threads';
const params = z.strictObject({ id: threadIdSchema });
const versioned = { ETag: 'The version of the state, in quotes: what `If-Match` of a change says.' };

export const threadRoutes = {
  listThreads: defineRoute({
    name: 'listThreads',
    tag,
    method: 'GET',
    path: '/v1/threads',
    summary: 'Threads, newest first.',
    role: 'viewer',
    query: z.strictObject(pageRequestSchema.shape),
    responses: { 200: { description: 'A page of threads.', schema: pageOf(threadSchema) } },
  }),
  getThread: defineRoute({
    name: 'getThread',
    tag,
    method: 'GET',
    path: '/v1/threads/{id}',
    summary: 'One thread: the run that is under way in it, and how many wait.',
    role: 'viewer',
    params,
    responses: { 200: { description: 'The thread.', schema: threadSchema } },
  }),
  deleteThread: defineRoute({
    name: 'deleteThread',
    tag,
    method: 'DELETE',
    path: '/v1/threads/{id}',
    summary: 'Forgets a thread in which no run is under way: its state and its history. Its runs are kept.',
    role: 'editor',
    params,
    responses: { 200: { description: 'It is forgotten.', schema: z.object({ deleted: z.literal(true) }) } },
  }),
  getThreadState: defineRoute({
    name: 'getThreadState',
    tag,
    method: 'GET',
    path: '/v1/threads/{id}/state',
    summary: "A thread's state as it is now.",
    role: 'viewer',
    params,
    responses: { 200: { description: 'The state.', schema: threadStateSchema, headers: versioned } },
  }),
  patchThreadState: defineRoute({
    name: 'patchThreadState',
    tag,
    method: 'PATCH',
    path: '/v1/threads/{id}/state',
    summary: "Merges into a thread's state (JSON Merge Patch, RFC 7396), if it is still of the version that you know.",
    role: 'editor',
    params,
    headers: z.object({
      /** The version in quotes, as `ETag` has it; `"0"` begins a thread, `*` takes any version. Needed: 428 without. */
      'if-match': z
        .string()
        .regex(/^(\*|"(0|[1-9][0-9]{0,8})")$/, 'must be one version in quotes, as ETag has it, or *')
        .optional(),
    }),
    body: { kind: 'json', schema: jsonObjectSchema, maxBytes: 300_000 },
    responses: { 200: { description: 'The state as it is now.', schema: threadStateSchema, headers: versioned } },
  }),
  listThreadHistory: defineRoute({
    name: 'listThreadHistory',
    tag,
    method: 'GET',
    path: '/v1/threads/{id}/history',
    summary: 'The states that a thread had, newest first, each with the run that wrote it.',
    role: 'viewer',
    params,
    query: z.strictObject({ ...pageRequestSchema.shape, limit: z.int().min(1).max(50).default(20) }),
    responses: { 200: { description: 'A page of states.', schema: pageOf(threadVersionSchema) } },
  }),
};
