import {
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  routes,
  updateSchedule,
} from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type CreateSchedule = typeof routes.createSchedule;
type ListSchedules = typeof routes.listSchedules;
type GetSchedule = typeof routes.getSchedule;
type UpdateSchedule = typeof routes.updateSchedule;
type DeleteSchedule = typeof routes.deleteSchedule;

@Endpoint(routes.createSchedule)
export class CreateScheduleEndpoint implements Serves<CreateSchedule> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ body: spec, context }: RouteRequest<CreateSchedule>): Promise<RouteReply<CreateSchedule>> {
    const body = await this.commands.send(createSchedule, context, { scheduleId: newId('sch'), spec });
    return { status: 201, body, headers: { location: `/v1/schedules/${body.id}` } };
  }
}

@Endpoint(routes.listSchedules)
export class ListSchedulesEndpoint implements Serves<ListSchedules> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ query, context }: RouteRequest<ListSchedules>): Promise<RouteReply<ListSchedules>> {
    return { status: 200, body: await this.commands.send(listSchedules, context, query) };
  }
}

@Endpoint(routes.getSchedule)
export class GetScheduleEndpoint implements Serves<GetSchedule> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, context }: RouteRequest<GetSchedule>): Promise<RouteReply<GetSchedule>> {
    return { status: 200, body: await this.commands.send(getSchedule, context, { scheduleId: params.id }) };
  }
}

@Endpoint(routes.updateSchedule)
export class UpdateScheduleEndpoint implements Serves<UpdateSchedule> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, body, context }: RouteRequest<UpdateSchedule>): Promise<RouteReply<UpdateSchedule>> {
    const request = { scheduleId: params.id, changes: body };
    return { status: 200, body: await this.commands.send(updateSchedule, context, request) };
  }
}

@Endpoint(routes.deleteSchedule)
export class DeleteScheduleEndpoint implements Serves<DeleteSchedule> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, context }: RouteRequest<DeleteSchedule>): Promise<RouteReply<DeleteSchedule>> {
    return { status: 200, body: await this.commands.send(deleteSchedule, context, { scheduleId: params.id }) };
  }
}
