import { createHash } from 'node:crypto';
import { z } from 'zod';
import { roleSchema } from '../gateway/commands.js';
import { jsonObjectSchema, jsonValueSchema } from '../shared.js';
import { graphIdentitySchema, runIdSchema } from './run.js';

export const approvalIdSchema = z.string().regex(/^apr_[0-9a-f]{32}$/, 'must be an approval id');

/** The id of the approval that an attempt of a node of a run asks for: the same however often it is computed. */
export const approvalIdOf = (runId: string, node: string, attempt = 1): string => {
  const asked = attempt === 1 ? `${runId}:${node}` : `${runId}:${node}:${attempt}`;
  return `apr_${createHash('sha256').update(asked).digest('hex').slice(0, 32)}`;
};

/** `expired`: nobody decided in time, and that was to fail. `cancelled`: the run, or what is around the node, ended before. */
export const approvalStatusSchema = z.enum(['pending', 'approved', 'rejected', 'expired', 'cancelled']);
export type ApprovalStatus = z.infer<typeof approvalStatusSchema>;

/** The key that somebody decides with. */
export const deciderSchema = z.object({ keyId: z.string().min(1).max(200), role: roleSchema });
export type Decider = z.infer<typeof deciderSchema>;

/** Who decided: a key, or the deadline. */
export const decidedBySchema = z.discriminatedUnion('kind', [
  deciderSchema.extend({ kind: z.literal('key') }),
  z.object({ kind: z.literal('deadline') }),
]);
export type DecidedBy = z.infer<typeof decidedBySchema>;

export const decisionSchema = z.enum(['approve', 'reject']);
export type ApprovalDecision = z.infer<typeof decisionSchema>;

export const approvalSchema = z.object({
  id: approvalIdSchema,
  runId: runIdSchema,
  graph: graphIdentitySchema,
  node: z.string(),
  /** The attempt of the node that asks: more than the first after a retry of the run. */
  attempt: z.int().positive().optional(),
  status: approvalStatusSchema,
  title: z.string(),
  /** What whoever decides should see. */
  context: jsonValueSchema,
  /** `role:<role>` (that role or one above it) or `key:<id>`. */
  assignees: z.array(z.string()),
  /** The JSON Schema of the data that a decision brings. */
  form: jsonObjectSchema,
  requestedAt: z.iso.datetime(),
  deadlineAt: z.iso.datetime(),
  decidedAt: z.iso.datetime().nullable(),
  decidedBy: decidedBySchema.nullable(),
  data: jsonObjectSchema.nullable(),
});
export type Approval = z.infer<typeof approvalSchema>;
