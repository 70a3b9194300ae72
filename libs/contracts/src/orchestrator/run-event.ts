/**
 * What happens to a run, in order. These are the truth: a run's state is the fold of its events, and which tasks are
 * outstanding follows from them alone. Positions run from 1 without a gap. `node` is always a path (`write[2].draft`).
 */
import { z } from 'zod';
import { errorShapeSchema, jsonObjectSchema, jsonValueSchema, usageSchema } from '../shared.js';
import { decidedBySchema } from './approval.js';
import { generationSchema, graphIdentitySchema, runErrorSchema, runIdSchema, runPrioritySchema } from './run.js';
import { threadIdSchema } from './thread-id.js';

const node = z.string().min(1).max(500);
/** What a run knows of its thread. */
const threadSeenSchema = z.object({ id: threadIdSchema, version: z.int().nonnegative(), state: jsonObjectSchema });
const attempt = z.int().positive();
const slotSchema = z.object({ key: z.string(), limit: z.int().positive() });

const event = <Type extends string, Data extends z.ZodType>(type: Type, data: Data) =>
  z.object({ type: z.literal(type), at: z.iso.datetime(), data });

/** The run is accepted, on this version of its graph until it is moved to another. Always position 1. */
const runStarted = event(
  'RunStarted',
  z.object({
    runId: runIdSchema,
    graph: graphIdentitySchema,
    input: jsonObjectSchema,
    correlationId: z.string(),
    traceparent: z.string().optional(),
    /** Absent: normal. */
    priority: runPrioritySchema.optional(),
    /** The run that it was forked from, how far that was, and the node that this one begins at, with its input where that is another. */
    forkedFrom: z
      .object({
        runId: runIdSchema,
        position: z.int().positive(),
        node,
        with: jsonValueSchema.optional(),
        /** What that run knew of its thread: this one reads it too, and is not in the thread. */
        thread: threadSeenSchema.optional(),
      })
      .optional(),
    /** The thread that it belongs to. Nothing begins before `ThreadEntered`. */
    thread: threadIdSchema.optional(),
    /** The keys that the whole run holds. Nothing begins before `RunAdmitted`. */
    slots: z.array(slotSchema).optional(),
  }),
);
/**
 * Each key of the run has room, until the run has ended: at most `limit` of the tenant's runs hold a key at a time. Follows on the start,
 * in a thread on its turn there, and on every retry.
 */
const runAdmitted = event('RunAdmitted', z.object({ generation: generationSchema.optional() }));
/**
 * It is the run's turn in its thread, whose state is this: until the run has ended, no other run is under way in it. Follows on the
 * start and on every retry.
 */
const threadEntered = event(
  'ThreadEntered',
  z.object({
    version: z.int().nonnegative(),
    state: jsonObjectSchema,
    generation: generationSchema.optional(),
  }),
);
const reusedEndSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('completed'),
    output: jsonValueSchema,
    failures: z.array(z.object({ index: z.int().nonnegative(), error: errorShapeSchema })).optional(),
  }),
  z.object({
    status: z.literal('failed'),
    error: errorShapeSchema,
    goto: z.string().optional(),
    output: jsonValueSchema.optional(),
  }),
  z.object({
    status: z.literal('skipped'),
    reason: z.enum(['condition', 'upstream-skipped', 'not-chosen', 'over-budget']),
  }),
]);
/** How a node ended in the run that this one was forked from. */
export type ReusedEnd = z.infer<typeof reusedEndSchema>;
/** The node ended in the run that this one was forked from, and does not run again. */
const nodeReused = event('NodeReused', z.object({ node, kind: z.string(), end: reusedEndSchema }));
/** An attempt begins. For a kind that a worker executes, the task `<run>:<node>:<attempt>` is outstanding until it ends. */
const nodeScheduled = event(
  'NodeScheduled',
  z.object({ node, kind: z.string(), attempt, deadlineAt: z.iso.datetime().optional() }),
);
const nodeCompleted = event(
  'NodeCompleted',
  z.object({
    node,
    attempt,
    output: jsonValueSchema,
    usage: usageSchema.optional(),
    /** The input of the tool call that takes its effect back, should the run not complete. */
    compensate: jsonObjectSchema.optional(),
    /** By what its target knows that effect, where the node had effects before a retry: the same key is the same effect. */
    effectKey: z.string().optional(),
  }),
);
/** The attempt failed and another one follows at `dueAt`. */
const nodeRetryScheduled = event(
  'NodeRetryScheduled',
  z.object({
    node,
    attempt,
    error: errorShapeSchema,
    dueAt: z.iso.datetime(),
    /** A new limit for the attempts that follow, where the old one has passed. */
    deadlineAt: z.iso.datetime().optional(),
  }),
);
/** The node waits until each of its keys has room: at most `limit` nodes of the tenant's runs hold a key at a time. */
const slotsRequested = event('SlotsRequested', z.object({ node, attempt, slots: z.array(slotSchema) }));
/** It has room, until it ends. */
const slotsGranted = event('SlotsGranted', z.object({ node, attempt }));
/** A worker may begin with an effect that must not happen twice; whoever else asks for this attempt may not. */
const effectBegun = event('EffectBegun', z.object({ node, attempt, claim: z.string() }));
/** Nobody knows whether an effect happened that must not happen twice: somebody has to find out, until `deadlineAt`. */
const effectUncertain = event(
  'EffectUncertain',
  z.object({ node, attempt, error: errorShapeSchema, deadlineAt: z.iso.datetime() }),
);
/**
 * The node failed for good. `goto` names the node beside it that the run goes on with; the other nodes that need it do without.
 * `output` is what it has all the same: the round that a loop kept whose rounds are used up.
 */
const nodeFailed = event(
  'NodeFailed',
  z.object({
    node,
    attempt,
    error: errorShapeSchema,
    goto: z.string().optional(),
    output: jsonValueSchema.optional(),
  }),
);
const nodeSkipped = event(
  'NodeSkipped',
  z.object({ node, kind: z.string(), reason: z.enum(['condition', 'upstream-skipped', 'not-chosen', 'over-budget']) }),
);
/** A map unfolds into `count` items, `<node>[0]` to `<node>[count-1]`. */
const mapStarted = event('MapStarted', z.object({ node, count: z.int().nonnegative() }));
/** An item of a map failed and the map goes on without it: it tolerates that. What ran inside of it is cancelled. */
const mapItemFailed = event('MapItemFailed', z.object({ node, index: z.int().nonnegative(), error: errorShapeSchema }));
/** A loop begins its round, counted from 0: `<node>[round]`. */
const loopRoundStarted = event('LoopRoundStarted', z.object({ node, round: z.int().nonnegative() }));
/** The round ended. `score` is there where the loop keeps its best round; `until` says that no further round is needed. */
const loopRoundCompleted = event(
  'LoopRoundCompleted',
  z.object({
    node,
    round: z.int().nonnegative(),
    output: jsonValueSchema,
    score: z.number().optional(),
    until: z.boolean(),
  }),
);
/** A `wait` node waits until a moment, for a signal of a name, or for an event by its subject. */
const waitStarted = event(
  'WaitStarted',
  z.object({ node, until: z.iso.datetime().optional(), signal: z.string().optional(), event: z.string().optional() }),
);
/** A signal arrived. It completes one wait: one that waits already, or the next that begins. Its id arrives once. */
const signalReceived = event('SignalReceived', z.object({ id: z.string(), name: z.string(), data: jsonValueSchema }));
/** The signal of this id completes this node. */
const signalConsumed = event('SignalConsumed', z.object({ node, id: z.string() }));
/** An `approval` node asks for a decision until `deadlineAt`. */
const approvalRequested = event(
  'ApprovalRequested',
  z.object({
    node,
    title: z.string(),
    context: jsonValueSchema,
    assignees: z.array(z.string()),
    deadlineAt: z.iso.datetime(),
    /** The attempt that asks; absent for the first. */
    attempt: attempt.optional(),
  }),
);
/** Somebody decided, or the deadline did. `expired` fails the node. */
const approvalDecided = event(
  'ApprovalDecided',
  z.object({
    node,
    outcome: z.enum(['approved', 'rejected', 'expired']),
    by: decidedBySchema,
    data: jsonObjectSchema.nullable(),
    /** The attempt that asked; absent for the first. */
    attempt: attempt.optional(),
  }),
);
/** An `emit` node published this. */
const eventEmitted = event('EventEmitted', z.object({ node, name: z.string(), data: jsonValueSchema }));
/** Nothing begins from here on, no node and no attempt, until the run is resumed. What runs goes on. */
const runPaused = event(
  'RunPaused',
  /** `overBudget`: its budget did not allow what was to begin; resuming it allows as much again. */
  z.object({ reason: z.string(), overBudget: z.literal(true).optional() }),
);
const runResumed = event('RunResumed', z.object({}));
/**
 * The run goes on with another version of its graph, which this event and all after it belong to. `input` is what it has from now on, where
 * that version fills in defaults that it had not.
 */
const runMigrated = event(
  'RunMigrated',
  z.object({ from: graphIdentitySchema, to: graphIdentitySchema, input: jsonObjectSchema.optional() }),
);
/** The run is about to fail or to be cancelled; what it did is taken back first, the last effect first. */
const runEnding = event(
  'RunEnding',
  z.discriminatedUnion('outcome', [
    z.object({ outcome: z.literal('failed'), error: runErrorSchema }),
    z.object({ outcome: z.literal('cancelled'), reason: z.string() }),
  ]),
);
const runCompleted = event(
  'RunCompleted',
  /** `threadPatch` is merged into the state of its thread (RFC 7396). */
  z.object({ output: jsonValueSchema, threadPatch: jsonObjectSchema.optional() }),
);
const runFailed = event('RunFailed', z.object({ error: runErrorSchema }));
const runCancelled = event(
  'RunCancelled',
  z.object({
    reason: z.string(),
    generation: generationSchema.optional(),
  }),
);
/**
 * A run that had ended goes on: the nodes named in `nodes`, all of the graph itself, and whatever ran inside of them, are as if they had
 * never begun, except that their attempts go on counting. What is not named is kept. `from` is what was asked for.
 */
const runRetried = event(
  'RunRetried',
  z.object({
    /** The same id again is the same retry. */
    id: z.string(),
    from: z.array(node),
    nodes: z.array(node).min(1),
    /** By what the targets know the effects that took place and whose nodes may be asked for them again. */
    effectKeys: z.array(z.object({ node, key: z.string() })).optional(),
  }),
);

export const newRunEventSchema = z.discriminatedUnion('type', [
  runStarted,
  threadEntered,
  runAdmitted,
  nodeReused,
  nodeScheduled,
  nodeCompleted,
  nodeRetryScheduled,
  nodeFailed,
  nodeSkipped,
  mapStarted,
  mapItemFailed,
  loopRoundStarted,
  loopRoundCompleted,
  waitStarted,
  signalReceived,
  signalConsumed,
  approvalRequested,
  approvalDecided,
  eventEmitted,
  runPaused,
  runResumed,
  runMigrated,
  slotsRequested,
  slotsGranted,
  effectBegun,
  effectUncertain,
  runEnding,
  runCompleted,
  runFailed,
  runCancelled,
  runRetried,
]);

/** An event that the engine decided and nobody has stored yet: it has no position. */
export type NewRunEvent = z.infer<typeof newRunEventSchema>;
export type RunEventType = NewRunEvent['type'];
export type RunEventOf<Type extends RunEventType> = Extract<NewRunEvent, { type: Type }>;

/** A stored event. */
export type RunEvent = NewRunEvent & { readonly position: number };

/** A stored event as the outside sees it: readers must accept types they do not know. */
export const runEventSchema = z.object({
  position: z.int().positive(),
  type: z.string(),
  at: z.iso.datetime(),
  data: jsonObjectSchema,
});

/** Each ends a run, unless `RunRetried` follows: a run has one of them for each of its generations. */
export const terminalEventTypes: ReadonlySet<RunEventType> = new Set(['RunCompleted', 'RunFailed', 'RunCancelled']);
