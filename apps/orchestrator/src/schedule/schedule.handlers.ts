import type {
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  updateSchedule,
  RequestOf,
  ResponseOf,
  Schedule,
} from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { readCursor, writeCursor } from '../cursor.js';
import { Orchestrator } from '../orchestrator.js';

@Injectable()
export class CreateScheduleHandler implements CommandHandler<typeof createSchedule> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle({ scheduleId, spec }: RequestOf<typeof createSchedule>, { tenantId }: CommandMessage): Promise<Schedule> {
    return this.orchestrator.schedules.create(tenantId, scheduleId, spec);
  }
}

@Injectable()
export class GetScheduleHandler implements CommandHandler<typeof getSchedule> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle({ scheduleId }: RequestOf<typeof getSchedule>, { tenantId }: CommandMessage): Promise<Schedule> {
    return this.orchestrator.schedules.get(tenantId, scheduleId);
  }
}

@Injectable()
export class UpdateScheduleHandler implements CommandHandler<typeof updateSchedule> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle({ scheduleId, changes }: RequestOf<typeof updateSchedule>, { tenantId }: CommandMessage): Promise<Schedule> {
    return this.orchestrator.schedules.update(tenantId, scheduleId, changes);
  }
}

@Injectable()
export class DeleteScheduleHandler implements CommandHandler<typeof deleteSchedule> {
  constructor(private readonly orchestrator: Orchestrator) {}

  async handle(
    { scheduleId }: RequestOf<typeof deleteSchedule>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof deleteSchedule>> {
    await this.orchestrator.schedules.delete(tenantId, scheduleId);
    return { deleted: true };
  }
}

const cursorSchema = z.strictObject({ createdAt: z.iso.datetime(), id: z.string() });

@Injectable()
export class ListSchedulesHandler implements CommandHandler<typeof listSchedules> {
  constructor(private readonly orchestrator: Orchestrator) {}

  async handle(
    { limit, cursor }: RequestOf<typeof listSchedules>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof listSchedules>> {
    const after = cursor === undefined ? null : readCursor(cursorSchema, cursor);
    const found = await this.orchestrator.schedules.list(tenantId, after, limit + 1);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const more = found.length > limit && last !== undefined;
    return { items, cursor: more ? writeCursor({ createdAt: last.createdAt, id: last.id }) : null };
  }
}
