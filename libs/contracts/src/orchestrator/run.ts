import { z } from 'zod';
import { jsonObjectSchema, jsonValueSchema, nameSchema, usageSchema } from '../shared.js';
import { threadIdSchema } from './thread-id.js';

export const runIdSchema = z.string().regex(/^run_[0-9a-f]{32}$/, 'must be a run id');

/** Chosen by the caller: the same id again is the same signal, or the same retry. */
export const commandIdSchema = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters');

/** How often a run had been retried when something happened in it; absent for never. */
export const generationSchema = z.int().positive();

export const graphIdentitySchema = z.object({
  name: nameSchema,
  version: z.int().positive(),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});
export type GraphIdentity = z.infer<typeof graphIdentitySchema>;

/** Whose tasks go first where those of one tenant wait for workers. */
export const runPrioritySchema = z.enum(['low', 'normal', 'high']);
export type RunPriority = z.infer<typeof runPrioritySchema>;

/** `queued`: its turn in its thread has not come. `paused`: nothing begins until the run is resumed. */
export const runStatusSchema = z.enum(['queued', 'running', 'waiting', 'paused', 'completed', 'failed', 'cancelled']);
export type RunStatus = z.infer<typeof runStatusSchema>;

export const terminalStatuses: ReadonlySet<RunStatus> = new Set(['completed', 'failed', 'cancelled']);

/**
 * `waiting`: nobody works on it; it goes on at a moment, by a signal or by a decision. `needs_reconciliation`: nobody knows whether
 * its effect happened, and somebody has to say so.
 */
export const stepStatusSchema = z.enum([
  'pending',
  'running',
  'waiting',
  'needs_reconciliation',
  'retrying',
  'completed',
  'failed',
  'skipped',
  'cancelled',
]);

/** One node of a run; `node` is its path, map items and loop rounds included: `pages[3].fetch`. */
export const stepSchema = z.object({
  node: z.string(),
  kind: z.string(),
  status: stepStatusSchema,
  attempts: z.int().nonnegative(),
  durationMs: z.number().nonnegative().nullable(),
});
export type Step = z.infer<typeof stepSchema>;

export const runErrorSchema = z.object({ code: z.string(), message: z.string(), node: z.string().optional() });

export const runSchema = z.object({
  id: runIdSchema,
  graph: graphIdentitySchema,
  /** The thread that it belongs to, where it does. */
  thread: threadIdSchema.optional(),
  status: runStatusSchema,
  input: jsonObjectSchema,
  output: jsonValueSchema.nullable(),
  error: runErrorSchema.nullable(),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
  usage: usageSchema,
  steps: z.array(stepSchema),
});
export type Run = z.infer<typeof runSchema>;

/** A run in a list: everything but its input, output and steps. */
export const runSummarySchema = runSchema.omit({ input: true, output: true, steps: true });
export type RunSummary = z.infer<typeof runSummarySchema>;

/** What a recording of a run says beside its events. */
export const runRecordingSchema = z.object({
  runId: runIdSchema,
  /** The version that the run is on. */
  graph: graphIdentitySchema,
  document: jsonObjectSchema,
  /** The versions that it was on before, the first one first; absent where it has never moved. */
  earlier: z.array(z.object({ graph: graphIdentitySchema, document: jsonObjectSchema })).optional(),
  /** Of the last event that it covers. */
  position: z.int().positive(),
  /** SHA-256 of the state that the events up to there lead to. */
  stateHash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type RunRecording = z.infer<typeof runRecordingSchema>;
