import { z } from 'zod';
import { approvalIdSchema, approvalSchema, approvalStatusSchema, decisionSchema } from '../orchestrator/approval.js';
import { runIdSchema } from '../orchestrator/run.js';
import { jsonObjectSchema, pageOf, pageRequestSchema } from '../shared.js';
import { defineRoute } from './route.js';

const tag = 'approvals';
const params = z.strictObject({ id: approvalIdSchema });

export const approvalRoutes = {
  listApprovals: defineRoute({
    name: 'listApprovals',
    tag,
    method: 'GET',
    path: '/v1/approvals',
    summary: 'What runs ask people to decide, newest first.',
    role: 'viewer',
    query: z.strictObject({
      ...pageRequestSchema.shape,
      status: approvalStatusSchema.optional(),
      run: runIdSchema.optional(),
    }),
    responses: { 200: { description: 'A page of approvals.', schema: pageOf(approvalSchema) } },
  }),
  getApproval: defineRoute({
    name: 'getApproval',
    tag,
    method: 'GET',
    path: '/v1/approvals/{id}',
    summary: 'One approval.',
    role: 'viewer',
    params,
    responses: { 200: { description: 'The approval.', schema: approvalSchema } },
  }),
  decideApproval: defineRoute({
    name: 'decideApproval',
    tag,
    method: 'POST',
    path: '/v1/approvals/{id}:decide',
    summary: 'Approves or rejects, where the key is one of the assignees. The same decision again changes nothing.',
    role: 'viewer',
    params,
    body: {
      kind: 'json',
      schema: z.strictObject({
        decision: decisionSchema,
        /** Fits the form of the approval. */
        data: jsonObjectSchema.default({}),
      }),
    },
    responses: { 200: { description: 'The approval as it was decided.', schema: approvalSchema } },
  }),
};
