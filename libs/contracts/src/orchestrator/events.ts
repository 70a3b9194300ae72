import { z } from 'zod';
import { defineEvent } from '../contract.js';
import { jsonValueSchema, usageSchema } from '../shared.js';
import { approvalIdSchema, decidedBySchema } from './approval.js';
import { generationSchema, graphIdentitySchema, runErrorSchema, runIdSchema } from './run.js';

const owner = 'orchestrator';
const subject = { runId: runIdSchema, graph: graphIdentitySchema };
const runEvent = <Shape extends z.ZodRawShape>(action: string, summary: string, shape: Shape) =>
  defineEvent({
    owner,
    entity: 'run',
    action,
    version: 1,
    summary,
    data: z.object({ ...subject, ...shape }),
    about: 'runId',
  });

export const runStartedEvent = runEvent('started', 'A run was accepted and began.', {});
export const runCompletedEvent = runEvent('completed', 'A run ended well.', { usage: usageSchema });
export const runFailedEvent = runEvent('failed', 'A run failed.', { error: runErrorSchema });
export const runCancelledEvent = runEvent('cancelled', 'A run was cancelled; its workers stop.', {
  reason: z.string(),
  generation: generationSchema.optional(),
});
export const runRetriedEvent = runEvent('retried', 'A run that had ended goes on.', {
  from: z.array(z.string()),
  generation: generationSchema,
});
export const runMigratedEvent = runEvent('migrated', 'A run goes on with another version of its graph, `graph`.', {
  from: graphIdentitySchema,
});
export const runStepCompletedEvent = runEvent(
  'step-completed',
  'A node of a run completed. Announced only where the orchestrator is told to announce steps.',
  {
    node: z.string(),
    attempt: z.int().positive(),
  },
);
export const runApprovalRequestedEvent = runEvent('approval-requested', 'A node of a run asks for a decision.', {
  approvalId: approvalIdSchema,
  node: z.string(),
  title: z.string(),
  assignees: z.array(z.string()),
  deadlineAt: z.iso.datetime(),
});
export const runApprovalDecidedEvent = runEvent('approval-decided', 'Somebody decided, or the deadline did.', {
  approvalId: approvalIdSchema,
  node: z.string(),
  outcome: z.enum(['approved', 'rejected', 'expired']),
  by: decidedBySchema,
});
export const runEmittedEvent = runEvent('emitted', 'An emit node of a run published this.', {
  node: z.string(),
  name: z.string(),
  data: jsonValueSchema,
});
