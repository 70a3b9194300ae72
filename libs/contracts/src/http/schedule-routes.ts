import { z } from 'zod';
import {
  scheduleChangesSchema,
  scheduleIdSchema,
  scheduleSchema,
  scheduleSpecSchema,
} from '../orchestrator/schedule.js';
import { pageOf, pageRequestSchema } from '../shared.js';
import { defineRoute } from './route.js';

const tag = 'schedules';
const params = z.strictObject({ id: scheduleIdSchema });

export const scheduleRoutes = {
  createSchedule: defineRoute({
    name: 'createSchedule',
    tag,
    method: 'POST',
    path: '/v1/schedules',
    summary: 'Creates a schedule: runs of a graph at the times of a cron expression.',
    role: 'editor',
    body: { kind: 'json', schema: scheduleSpecSchema },
    responses: {
      201: { description: 'The schedule.', schema: scheduleSchema, headers: { Location: 'Where the schedule is.' } },
    },
  }),
  listSchedules: defineRoute({
    name: 'listSchedules',
    tag,
    method: 'GET',
    path: '/v1/schedules',
    summary: 'Schedules, newest first.',
    role: 'viewer',
    query: z.strictObject(pageRequestSchema.shape),
    responses: { 200: { description: 'A page of schedules.', schema: pageOf(scheduleSchema) } },
  }),
  getSchedule: defineRoute({
    name: 'getSchedule',
    tag,
    method: 'GET',
    path: '/v1/schedules/{id}',
    summary: 'One schedule with its next fire times.',
    role: 'viewer',
    params,
    responses: { 200: { description: 'The schedule.', schema: scheduleSchema } },
  }),
  updateSchedule: defineRoute({
    name: 'updateSchedule',
    tag,
    method: 'PATCH',
    path: '/v1/schedules/{id}',
    summary: 'Changes a schedule, pauses it or lets it go on; its next fire time is reckoned from now.',
    role: 'editor',
    params,
    body: { kind: 'json', schema: scheduleChangesSchema },
    responses: { 200: { description: 'The schedule as it is now.', schema: scheduleSchema } },
  }),
  deleteSchedule: defineRoute({
    name: 'deleteSchedule',
    tag,
    method: 'DELETE',
    path: '/v1/schedules/{id}',
    summary: 'Deletes a schedule; its runs go on.',
    role: 'editor',
    params,
    responses: { 200: { description: 'It is deleted.', schema: z.object({ deleted: z.literal(true) }) } },
  }),
};
