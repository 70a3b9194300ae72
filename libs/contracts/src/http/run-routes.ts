import { z } from 'zod';
import { graphReferenceSchema } from '../orchestrator/commands.js';
import { runEventSchema } from '../orchestrator/run-event.js';
import {
  commandIdSchema,
  runIdSchema,
  runPrioritySchema,
  runRecordingSchema,
  runSchema,
  runStatusSchema,
  runSummarySchema,
} from '../orchestrator/run.js';
import { onBusySchema, threadIdSchema } from '../orchestrator/thread-id.js';
import { jsonObjectSchema, jsonValueSchema, nameSchema, pageOf, pageRequestSchema } from '../shared.js';
import { defineRoute } from './route.js';

const tag = 'runs';
const params = z.strictObject({ id: runIdSchema });
const idempotencyKeySchema = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters');

/** `/v1/runs/{id}/events`: a page, and whether the run has ended so that no more follow. */
export const runEventPageSchema = pageOf(runEventSchema).extend({ done: z.boolean() });

export const runRoutes = {
  startRun: defineRoute({
    name: 'startRun',
    tag,
    method: 'POST',
    path: '/v1/runs',
    summary: 'Starts a run. 202 means that it is stored and will reach an end.',
    role: 'editor',
    headers: z.object({
      /** `wait=N`: answer 200 with the ended run within N seconds (60 at most), else 202 with the run as it is then. */
      prefer: z.string().max(200).optional(),
      /** The same key and body give the same run and the same answer for a day; another body is refused. */
      'idempotency-key': idempotencyKeySchema.optional(),
    }),
    body: {
      kind: 'json',
      schema: z.strictObject({
        graph: graphReferenceSchema,
        input: jsonObjectSchema.default({}),
        /** Whose tasks go first where the tenant's tasks wait for workers; absent: what the graph says. */
        priority: runPrioritySchema.optional(),
        /** The thread that it belongs to: one run is under way in it at a time. */
        thread: threadIdSchema.optional(),
        /** What happens where one is; what the graph says where absent. */
        onBusy: onBusySchema.optional(),
      }),
    },
    responses: {
      200: {
        description: 'The run has ended within the preferred wait.',
        schema: runSchema,
        headers: { 'Preference-Applied': 'The wait that was honoured.' },
      },
      202: {
        description: 'The run is stored.',
        schema: runSchema,
        headers: {
          Location: 'Where the run is.',
          'Preference-Applied': 'The wait that was honoured.',
          'Idempotent-Replayed': '`true` where an earlier request of this key made the run.',
        },
      },
    },
  }),
  listRuns: defineRoute({
    name: 'listRuns',
    tag,
    method: 'GET',
    path: '/v1/runs',
    summary: 'Runs, newest first.',
    role: 'viewer',
    query: z.strictObject({
      ...pageRequestSchema.shape,
      status: runStatusSchema.optional(),
      graph: nameSchema.optional(),
      thread: threadIdSchema.optional(),
    }),
    responses: { 200: { description: 'A page of runs.', schema: pageOf(runSummarySchema) } },
  }),
  getRun: defineRoute({
    name: 'getRun',
    tag,
    method: 'GET',
    path: '/v1/runs/{id}',
    summary: 'One run with its steps.',
    role: 'viewer',
    params,
    responses: { 200: { description: 'The run.', schema: runSchema } },
  }),
  listRunEvents: defineRoute({
    name: 'listRunEvents',
    tag,
    method: 'GET',
    path: '/v1/runs/{id}/events',
    summary: "A run's events in order, after a position or a cursor.",
    role: 'viewer',
    params,
    query: z.strictObject({
      after: z.int().nonnegative().optional(),
      cursor: z.string().max(500).optional(),
      limit: z.int().min(1).max(1000).default(200),
    }),
    responses: { 200: { description: 'A page of events.', schema: runEventPageSchema } },
  }),
  recordRun: defineRoute({
    name: 'recordRun',
    tag,
    method: 'GET',
    path: '/v1/runs/{id}/recording',
    summary: "A run's graph and the hash of its state: with its events, all that it takes to replay it elsewhere.",
    role: 'viewer',
    params,
    responses: { 200: { description: 'The recording, without the events.', schema: runRecordingSchema } },
  }),
  streamRun: defineRoute({
    name: 'streamRun',
    tag,
    method: 'GET',
    path: '/v1/runs/{id}/stream',
    summary: 'Run events and tokens as they happen, until the run has ended; resumes exactly after `Last-Event-ID`.',
    role: 'viewer',
    params,
    headers: z.object({ 'last-event-id': z.string().max(200).optional() }),
    responses: {
      200: {
        description:
          'Server-sent events: `event` is the type of a run event (data: the run event) or `token` (data: node, attempt, text).',
        mediaType: 'text/event-stream',
      },
      204: { description: 'The run has ended, and the reader has had all of it: do not come back.' },
    },
  }),
  deleteRun: defineRoute({
    name: 'deleteRun',
    tag,
    method: 'DELETE',
    path: '/v1/runs/{id}',
    summary:
      'Removes a run that has ended, with its events, outputs and approvals. From then on it is 404 `run_removed`.',
    role: 'admin',
    params,
    responses: { 200: { description: 'The run as it was.', schema: runSchema } },
  }),
  migrateRun: defineRoute({
    name: 'migrateRun',
    tag,
    method: 'POST',
    path: '/v1/runs/{id}:migrate',
    summary:
      'Moves a run that goes on to another version of its graph. Refused with `migration_refused` and the reasons where what it has done does not fit there.',
    role: 'editor',
    params,
    body: { kind: 'json', schema: z.strictObject({ version: z.int().positive().max(999_999_999) }) },
    responses: { 200: { description: 'The run, on that version.', schema: runSchema } },
  }),
  cancelRun: defineRoute({
    name: 'cancelRun',
    tag,
    method: 'POST',
    path: '/v1/runs/{id}/cancel',
    summary: 'Cancels a run; one that has ended stays as it is.',
    role: 'editor',
    params,
    body: {
      kind: 'json',
      schema: z.strictObject({ reason: z.string().max(1000).default('cancelled by the caller') }).default({
        reason: 'cancelled by the caller',
      }),
    },
    responses: { 200: { description: 'The run as it is now.', schema: runSchema } },
  }),
  pauseRun: defineRoute({
    name: 'pauseRun',
    tag,
    method: 'POST',
    path: '/v1/runs/{id}/pause',
    summary: 'Pauses a run: what runs goes on, and nothing begins until it is resumed.',
    role: 'editor',
    params,
    body: {
      kind: 'json',
      schema: z
        .strictObject({ reason: z.string().max(1000).default('paused by the caller') })
        .default({ reason: 'paused by the caller' }),
    },
    responses: { 200: { description: 'The run as it is now.', schema: runSchema } },
  }),
  resumeRun: defineRoute({
    name: 'resumeRun',
    tag,
    method: 'POST',
    path: '/v1/runs/{id}/resume',
    summary: 'Resumes a run; one that is not paused stays as it is.',
    role: 'editor',
    params,
    body: { kind: 'json', schema: z.strictObject({}).default({}) },
    responses: { 200: { description: 'The run as it is now.', schema: runSchema } },
  }),
  retryRun: defineRoute({
    name: 'retryRun',
    tag,
    method: 'POST',
    path: '/v1/runs/{id}/retry',
    summary: 'Lets a run that has ended go on from a node: that node and what follows runs again, the rest is kept.',
    role: 'editor',
    params,
    query: z.strictObject({
      /** The id of a node of the graph itself. Absent: from whatever did not end well. */
      from: z.string().min(1).max(500).optional(),
    }),
    headers: z.object({
      /** The same key again is the same retry and changes nothing. */
      'idempotency-key': commandIdSchema.optional(),
    }),
    body: { kind: 'json', schema: z.strictObject({}).default({}) },
    responses: { 200: { description: 'The run, which goes on.', schema: runSchema } },
  }),
  forkRun: defineRoute({
    name: 'forkRun',
    tag,
    method: 'POST',
    path: '/v1/runs/{id}/fork',
    summary: 'Starts a new run at a node of this one, with what had ended before and beside that node.',
    role: 'editor',
    params,
    headers: z.object({
      /** The same key and body give the same run and the same answer for a day; another body is refused. */
      'idempotency-key': idempotencyKeySchema.optional(),
    }),
    body: {
      kind: 'json',
      schema: z.strictObject({
        /** The id of a node of the graph itself. */
        from: z.string().min(1).max(500),
        /** Another input of the run. */
        input: jsonObjectSchema.optional(),
        /** What the node gets in place of what its `with` says. */
        with: jsonValueSchema.optional(),
      }),
    },
    responses: {
      202: {
        description: 'The new run is stored.',
        schema: runSchema,
        headers: {
          Location: 'Where the new run is.',
          'Idempotent-Replayed': '`true` where an earlier request of this key made the run.',
        },
      },
    },
  }),
  signalRun: defineRoute({
    name: 'signalRun',
    tag,
    method: 'POST',
    path: '/v1/runs/{id}/signals/{name}',
    summary: 'Sends a signal to a run: it completes a node that waits for one of its name, now or later.',
    role: 'editor',
    params: params.extend({ name: nameSchema }),
    headers: z.object({
      /** The same key again is the same signal and changes nothing. */
      'idempotency-key': commandIdSchema.optional(),
    }),
    body: { kind: 'json', schema: z.strictObject({ data: jsonValueSchema.default(null) }).default({ data: null }) },
    responses: { 200: { description: 'The run as it is now. The signal is stored.', schema: runSchema } },
  }),
};
