/** The protocol between the orchestrator and every worker, whatever the kind of the work. */
import { z } from 'zod';
import { errorShapeSchema, jsonValueSchema, usageSchema } from '../shared.js';
import { generationSchema, runIdSchema } from '../orchestrator/run.js';

/**
 * What a task message carries beside the input of its kind. `attempt` is the fence: a result whose attempt is not
 * the current one changes nothing. The result goes to `replyTo` as a request; only after its reply is the task acked.
 */
export const taskDataSchema = z.object({
  taskId: z.string().min(1).max(700),
  runId: runIdSchema,
  node: z.string().min(1).max(500),
  attempt: z.int().positive(),
  /** A run that was cancelled and then retried goes on: only tasks of the generations up to the cancelled one are to be let go. */
  generation: generationSchema.optional(),
  input: jsonValueSchema,
  deadlineAt: z.iso.datetime().optional(),
  /** How long a worker may work on it, and how long it may show no progress, in milliseconds. */
  attemptMs: z.int().positive().optional(),
  idleMs: z.int().positive().optional(),
  /** For the target: however often it is asked with this key, it does the work once. */
  idempotencyKey: z.string().optional(),
  /** The work must not be done twice and no key prevents it: ask `replyTo` with `task.begin` first, and leave it where it is refused. */
  asksToBegin: z.literal(true).optional(),
  /** Whether somebody may be reading tokens: publish them on the run's live subject. */
  stream: z.boolean(),
  replyTo: z.string().min(1).max(200),
  /**
   * Where the result may be sent together with others (`task.results`): to the replica that published the task, for as long as that
   * one lives. `replyTo` always serves.
   */
  togetherTo: z.string().min(1).max(200).optional(),
});
export type TaskData = z.infer<typeof taskDataSchema>;

/** The id of a task, the same however often it is published. */
export const taskIdOf = (runId: string, node: string, attempt: number): string => `${runId}:${node}:${attempt}`;

export const taskOutcomeSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('completed'), output: jsonValueSchema, usage: usageSchema.optional() }),
  z.object({ status: z.literal('failed'), error: errorShapeSchema }),
]);
export type TaskOutcome = z.infer<typeof taskOutcomeSchema>;

/** What a worker sends back. Sent again after a lost reply; the second time it changes nothing. */
export const taskResult = {
  name: 'task.result',
  version: 1,
  request: z.object({
    taskId: z.string(),
    runId: runIdSchema,
    node: z.string(),
    attempt: z.int().positive(),
    outcome: taskOutcomeSchema,
  }),
  /** `stale`: a newer attempt, an ended run, or a repeat; the worker acks either way and forgets the task. */
  response: z.object({ applied: z.boolean(), reason: z.enum(['stale', 'unknown-run']).optional() }),
};
export type TaskResult = z.infer<typeof taskResult.request>;
export type TaskResultReply = z.infer<typeof taskResult.response>;

/**
 * Asks whether this worker may begin with an attempt that must not be done twice. `claim` names one delivery's work: the same one
 * may ask again, after a lost reply.
 */
export const taskBegin = {
  name: 'task.begin',
  version: 1,
  request: z.object({
    taskId: z.string(),
    runId: runIdSchema,
    node: z.string(),
    attempt: z.int().positive(),
    claim: z.string().min(1).max(100),
  }),
  response: z.object({ granted: z.boolean() }),
};
export type TaskBegin = z.infer<typeof taskBegin.request>;
export type TaskBeginReply = z.infer<typeof taskBegin.response>;

/** A piece of a model's text, on the run's live subject. */
export const liveTokenSchema = z.object({ node: z.string(), attempt: z.int().positive(), text: z.string() });
export type LiveToken = z.infer<typeof liveTokenSchema>;
