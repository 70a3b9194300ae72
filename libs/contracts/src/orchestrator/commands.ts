import { z } from 'zod';
import { defineCommand } from '../contract.js';
import {
  jsonObjectSchema,
  jsonValueSchema,
  nameSchema,
  pageOf,
  pageRequestSchema,
  violationSchema,
} from '../shared.js';
import { aliasNameSchema } from './graph-alias.js';
import { approvalIdSchema, approvalSchema, approvalStatusSchema, deciderSchema, decisionSchema } from './approval.js';
import {
  graphIdentitySchema,
  commandIdSchema,
  runIdSchema,
  runPrioritySchema,
  runRecordingSchema,
  runSchema,
  runStatusSchema,
  runSummarySchema,
} from './run.js';
import { runEventSchema } from './run-event.js';
import { onBusySchema, threadIdSchema } from './thread-id.js';

const owner = 'orchestrator';

/** A decision on its way to the run whose node asked for it. */
const runDecisionSchema = z.object({
  runId: runIdSchema,
  node: z.string(),
  /** The attempt of the node that asked; absent for the first. */
  attempt: z.int().positive().optional(),
  decision: decisionSchema,
  data: jsonObjectSchema,
  by: deciderSchema,
});
export type RunDecision = z.infer<typeof runDecisionSchema>;

/** `content`, `content@3`, `content@live` by an alias, or a whole graph document. */
export const graphReferenceSchema = z.union([
  z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9_-]{0,62}(@([1-9][0-9]{0,8}|[a-z][a-z0-9_-]{0,62}))?$/,
      'must be NAME, NAME@VERSION or NAME@ALIAS',
    ),
  jsonObjectSchema,
]);
export type GraphReference = z.infer<typeof graphReferenceSchema>;

/** A published version of a graph. `document` is the graph as it was published, in JSON. */
export const graphSchema = graphIdentitySchema.extend({
  description: z.string(),
  createdAt: z.iso.datetime(),
  document: jsonObjectSchema,
});
export const graphSummarySchema = graphSchema.omit({ document: true });

/** The caller names the run, so that sending the same start again changes nothing. */
export const startRun = defineCommand({
  owner,
  entity: 'run',
  action: 'start',
  version: 1,
  summary: 'Starts a run; the reply comes after it is stored.',
  request: z.object({
    runId: runIdSchema,
    graph: graphReferenceSchema,
    input: jsonObjectSchema,
    /** Absent: that of the graph. */
    priority: runPrioritySchema.optional(),
    traceparent: z.string().optional(),
    thread: threadIdSchema.optional(),
    /** Absent: as the graph says. */
    onBusy: onBusySchema.optional(),
  }),
  response: runSchema,
});
/** The caller names the new run, so that sending the same fork again changes nothing. */
export const forkRun = defineCommand({
  owner,
  entity: 'run',
  action: 'fork',
  version: 1,
  summary: 'Starts a new run at a node of another one, with what had ended before and beside that node.',
  request: z.object({
    runId: runIdSchema,
    parent: runIdSchema,
    /** The id of a node of the graph itself. */
    from: z.string().min(1).max(500),
    /** Another input of the run; absent: that of the other run. */
    input: jsonObjectSchema.optional(),
    /** What the node gets in place of what its `with` says. */
    with: jsonValueSchema.optional(),
    traceparent: z.string().optional(),
  }),
  response: runSchema,
});
export const cancelRun = defineCommand({
  owner,
  entity: 'run',
  action: 'cancel',
  version: 1,
  summary: 'Cancels a run; a run that has ended already stays as it is.',
  request: z.object({ runId: runIdSchema, reason: z.string().max(1000) }),
  response: runSchema,
});
export const pauseRun = defineCommand({
  owner,
  entity: 'run',
  action: 'pause',
  version: 1,
  summary: 'Pauses a run: what runs goes on, and nothing begins until it is resumed.',
  request: z.object({ runId: runIdSchema, reason: z.string().max(1000) }),
  response: runSchema,
});
export const resumeRun = defineCommand({
  owner,
  entity: 'run',
  action: 'resume',
  version: 1,
  summary: 'Resumes a run that was paused.',
  request: z.object({ runId: runIdSchema }),
  response: runSchema,
});
/** The caller names the retry, so that sending it again changes nothing. */
export const retryRun = defineCommand({
  owner,
  entity: 'run',
  action: 'retry',
  version: 1,
  summary: 'Lets a run that has ended go on from a node: that node and what follows runs again, the rest is kept.',
  request: z.object({
    runId: runIdSchema,
    id: commandIdSchema,
    /** The id of a node of the graph itself. Absent: from whatever did not end well. */
    from: z.string().min(1).max(500).optional(),
  }),
  response: runSchema,
});
/** A run that is on the version already stays as it is. */
export const migrateRun = defineCommand({
  owner,
  entity: 'run',
  action: 'migrate',
  version: 1,
  summary: 'Moves a run that goes on to another version of its graph, if what it has done fits there.',
  request: z.object({ runId: runIdSchema, version: z.int().positive().max(999_999_999) }),
  response: runSchema,
});
export const removeRun = defineCommand({
  owner,
  entity: 'run',
  action: 'remove',
  version: 1,
  summary: 'Removes a run that has ended, with its events and approvals, and gives it as it was.',
  request: z.object({ runId: runIdSchema }),
  response: runSchema,
});
/** The caller names the signal, so that sending it again changes nothing. */
export const signalRun = defineCommand({
  owner,
  entity: 'run',
  action: 'signal',
  version: 1,
  summary: 'Sends a signal to a run: it completes a node that waits for one of its name, now or later.',
  request: z.object({ runId: runIdSchema, id: commandIdSchema, name: nameSchema, data: jsonValueSchema }),
  response: runSchema,
});
export const getRun = defineCommand({
  owner,
  entity: 'run',
  action: 'get',
  version: 1,
  summary: 'One run with its steps.',
  request: z.object({ runId: runIdSchema }),
  response: runSchema,
});
export const recordRun = defineCommand({
  owner,
  entity: 'run',
  action: 'record',
  version: 1,
  summary: 'What is needed, beside its events, to replay a run elsewhere and to compare what comes of it.',
  request: z.object({ runId: runIdSchema }),
  response: runRecordingSchema,
});
export const listRuns = defineCommand({
  owner,
  entity: 'run',
  action: 'list',
  version: 1,
  summary: 'Runs, newest first.',
  request: pageRequestSchema.extend({
    status: runStatusSchema.optional(),
    graph: nameSchema.optional(),
    thread: threadIdSchema.optional(),
  }),
  response: pageOf(runSummarySchema),
});
export const listRunEvents = defineCommand({
  owner,
  entity: 'run-event',
  action: 'list',
  version: 1,
  summary: "A run's events after a position, in order; `done` says that the run has ended and no more follow.",
  request: z.object({ runId: runIdSchema, after: z.int().nonnegative(), limit: z.int().min(1).max(1000) }),
  response: z.object({ events: z.array(runEventSchema), done: z.boolean() }),
});
/** As long as the largest body of a request: what is too long for a graph is told by who reads graphs. */
const sourceSchema = z.string().max(1_048_576);

export const publishGraph = defineCommand({
  owner,
  entity: 'graph',
  action: 'publish',
  version: 1,
  summary: 'Publishes a graph document (YAML or JSON text). The same document again gives the same version.',
  request: z.object({ source: sourceSchema }),
  response: graphSchema,
});
export const validateGraph = defineCommand({
  owner,
  entity: 'graph',
  action: 'validate',
  version: 1,
  summary: 'Says what is wrong with a graph document, with a path to each mistake.',
  request: z.object({ source: sourceSchema }),
  response: z.object({ valid: z.boolean(), violations: z.array(violationSchema) }),
});
export const getGraph = defineCommand({
  owner,
  entity: 'graph',
  action: 'get',
  version: 1,
  summary: 'One version of a graph, the newest unless said otherwise.',
  /** An alias is looked at where no version is given. Refuses with `unknown_alias`. */
  request: z.object({
    name: nameSchema,
    version: z.int().positive().optional(),
    alias: aliasNameSchema.optional(),
  }),
  response: graphSchema,
});
export const listGraphs = defineCommand({
  owner,
  entity: 'graph',
  action: 'list',
  version: 1,
  summary: 'The newest version of every graph, by name.',
  request: pageRequestSchema,
  response: pageOf(graphSummarySchema),
});

export const listApprovals = defineCommand({
  owner,
  entity: 'approval',
  action: 'list',
  version: 1,
  summary: 'Approvals, newest first.',
  request: pageRequestSchema.extend({ status: approvalStatusSchema.optional(), runId: runIdSchema.optional() }),
  response: pageOf(approvalSchema),
});
export const getApproval = defineCommand({
  owner,
  entity: 'approval',
  action: 'get',
  version: 1,
  summary: 'One approval.',
  request: z.object({ approvalId: approvalIdSchema }),
  response: approvalSchema,
});
/** Sending the same decision again changes nothing; another decision is refused. */
export const decideApproval = defineCommand({
  owner,
  entity: 'approval',
  action: 'decide',
  version: 1,
  summary: 'Approves or rejects; the reply comes after it is stored.',
  request: z.object({
    approvalId: approvalIdSchema,
    decision: decisionSchema,
    data: jsonObjectSchema,
    by: deciderSchema,
  }),
  response: approvalSchema,
});

/** A result or a command for a run, handed to the replica that owns the run's partition. */
export const deliverToPartition = {
  request: z.discriminatedUnion('type', [
    z.object({ type: z.literal('start'), data: startRun.request }),
    z.object({ type: z.literal('fork'), data: forkRun.request }),
    z.object({ type: z.literal('cancel'), data: cancelRun.request }),
    z.object({ type: z.literal('pause'), data: pauseRun.request }),
    z.object({ type: z.literal('resume'), data: resumeRun.request }),
    z.object({ type: z.literal('retry'), data: retryRun.request }),
    z.object({ type: z.literal('migrate'), data: migrateRun.request }),
    z.object({ type: z.literal('remove'), data: removeRun.request }),
    z.object({ type: z.literal('signal'), data: signalRun.request }),
    z.object({ type: z.literal('decision'), data: runDecisionSchema }),
  ]),
  response: jsonValueSchema,
};
