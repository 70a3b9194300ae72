/** Threads: runs that come one after the other, and what they remember. */
import { z } from 'zod';
import { defineCommand } from '../contract.js';
import { jsonObjectSchema, pageOf, pageRequestSchema } from '../shared.js';
import { runIdSchema } from './run.js';
import { threadIdSchema } from './thread-id.js';

const owner = 'orchestrator';

export const threadSchema = z.object({
  id: threadIdSchema,
  /** Of its state: 0 until something was written to it. */
  version: z.int().nonnegative(),
  /** The run that is under way in it. */
  run: runIdSchema.nullable(),
  /** How many runs wait for that one. */
  queued: z.int().nonnegative(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type Thread = z.infer<typeof threadSchema>;

export const threadStateSchema = z.object({
  version: z.int().nonnegative(),
  state: jsonObjectSchema,
  updatedAt: z.iso.datetime(),
});
export type ThreadState = z.infer<typeof threadStateSchema>;

/** A state that a thread had. `runId` is the run that wrote it, null where a caller did. */
export const threadVersionSchema = z.object({
  version: z.int().positive(),
  state: jsonObjectSchema,
  runId: runIdSchema.nullable(),
  at: z.iso.datetime(),
});
export type ThreadVersion = z.infer<typeof threadVersionSchema>;

const ofThread = z.object({ threadId: threadIdSchema });

export const getThread = defineCommand({
  owner,
  entity: 'thread',
  action: 'get',
  version: 1,
  summary: 'One thread: the run that is under way in it, and how many wait.',
  request: ofThread,
  response: threadSchema,
});
export const listThreads = defineCommand({
  owner,
  entity: 'thread',
  action: 'list',
  version: 1,
  summary: 'Threads, newest first.',
  request: pageRequestSchema,
  response: pageOf(threadSchema),
});
export const deleteThread = defineCommand({
  owner,
  entity: 'thread',
  action: 'delete',
  version: 1,
  summary: 'Forgets a thread in which no run is under way: its state and its history.',
  request: ofThread,
  response: z.object({ deleted: z.literal(true) }),
});
export const getThreadState = defineCommand({
  owner,
  entity: 'thread-state',
  action: 'get',
  version: 1,
  summary: "A thread's state as it is now.",
  request: ofThread,
  response: threadStateSchema,
});
/** The version makes that sending the same change again changes nothing: it is refused. */
export const patchThreadState = defineCommand({
  owner,
  entity: 'thread-state',
  action: 'patch',
  version: 1,
  summary: "Merges into a thread's state (RFC 7396) if it is of the version that the caller knows; 0 begins a thread.",
  request: ofThread.extend({
    patch: jsonObjectSchema,
    /** Null where any version will do. */
    version: z.int().nonnegative().nullable(),
  }),
  response: threadStateSchema,
});
export const listThreadVersions = defineCommand({
  owner,
  entity: 'thread-version',
  action: 'list',
  version: 1,
  summary: 'The states that a thread had, newest first.',
  request: ofThread.extend(pageRequestSchema.shape),
  response: pageOf(threadVersionSchema),
});
