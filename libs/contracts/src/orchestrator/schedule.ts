import { z } from 'zod';
import { defineCommand } from '../contract.js';
import { jsonObjectSchema, pageOf, pageRequestSchema } from '../shared.js';
import { runIdSchema } from './run.js';

const owner = 'orchestrator';
const entity = 'schedule';

export const scheduleIdSchema = z.string().regex(/^sch_[0-9a-f]{32}$/, 'must be a schedule id');

/** While the run of before goes on: `skip` this one, `queue` it until that ends, `cancel-running` that, or `allow` both. */
export const overlapSchema = z.enum(['skip', 'queue', 'cancel-running', 'allow']);
export type Overlap = z.infer<typeof overlapSchema>;

/** Of fire times that nobody was there for: `none` is made up for, the `latest`, or `all` (the latest 100). */
export const catchUpSchema = z.enum(['none', 'latest', 'all']);
export type CatchUp = z.infer<typeof catchUpSchema>;

/** What a schedule says. `graph` is `content` (the newest version at each time) or `content@3`. */
export const scheduleSpecSchema = z.strictObject({
  graph: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}(@[1-9][0-9]{0,8})?$/, 'must be NAME or NAME@VERSION'),
  input: jsonObjectSchema.default({}),
  /** Minute, hour, day of the month, month, day of the week. */
  cron: z.string().min(1).max(200),
  /** A name of the IANA database, such as `Europe/Berlin`. */
  timeZone: z.string().min(1).max(100).default('UTC'),
  overlap: overlapSchema.default('skip'),
  catchUp: catchUpSchema.default('latest'),
  paused: z.boolean().default(false),
});
export type ScheduleSpec = z.infer<typeof scheduleSpecSchema>;

/** Only what is to change. */
export const scheduleChangesSchema = z.strictObject({
  graph: scheduleSpecSchema.shape.graph.optional(),
  input: jsonObjectSchema.optional(),
  cron: scheduleSpecSchema.shape.cron.optional(),
  timeZone: z.string().min(1).max(100).optional(),
  overlap: overlapSchema.optional(),
  catchUp: catchUpSchema.optional(),
  paused: z.boolean().optional(),
});

export const scheduleSchema = z.object({
  ...scheduleSpecSchema.shape,
  input: jsonObjectSchema,
  timeZone: z.string(),
  overlap: overlapSchema,
  catchUp: catchUpSchema,
  paused: z.boolean(),
  id: scheduleIdSchema,
  /** The next of its fire times; none while it is paused. */
  nextFireTimes: z.array(z.iso.datetime()),
  /** The fire time that was dealt with last, and what came of it: its run, or why there is none. */
  last: z
    .object({ firedFor: z.iso.datetime(), runId: runIdSchema.nullable(), reason: z.string().nullable() })
    .nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type Schedule = z.infer<typeof scheduleSchema>;

const byId = z.object({ scheduleId: scheduleIdSchema });

/** The caller names the schedule, so that sending it again changes nothing. */
export const createSchedule = defineCommand({
  ...{ owner, entity, action: 'create', version: 1 },
  summary: 'Creates a schedule: runs of a graph at the times of a cron expression.',
  request: byId.extend({ spec: scheduleSpecSchema }),
  response: scheduleSchema,
});
export const getSchedule = defineCommand({
  ...{ owner, entity, action: 'get', version: 1 },
  summary: 'One schedule.',
  request: byId,
  response: scheduleSchema,
});
export const listSchedules = defineCommand({
  ...{ owner, entity, action: 'list', version: 1 },
  summary: 'Schedules, newest first.',
  request: pageRequestSchema,
  response: pageOf(scheduleSchema),
});
export const updateSchedule = defineCommand({
  ...{ owner, entity, action: 'update', version: 1 },
  summary: 'Changes a schedule; its next fire time is reckoned from now.',
  request: byId.extend({ changes: scheduleChangesSchema }),
  response: scheduleSchema,
});
export const deleteSchedule = defineCommand({
  ...{ owner, entity, action: 'delete', version: 1 },
  summary: 'Deletes a schedule; its runs go on.',
  request: byId,
  response: z.object({ deleted: z.literal(true) }),
});
