import { getRun, listRunEvents, listRuns, recordRun, routes } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { decodeCursor, encodeCursor } from '../endpoint/cursor.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type ListRuns = typeof routes.listRuns;
type GetRun = typeof routes.getRun;
type RecordRun = typeof routes.recordRun;
type ListRunEvents = typeof routes.listRunEvents;

@Endpoint(routes.listRuns)
export class ListRunsEndpoint implements Serves<ListRuns> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ query, context }: RouteRequest<ListRuns>): Promise<RouteReply<ListRuns>> {
    return { status: 200, body: await this.commands.send(listRuns, context, query) };
  }
}

@Endpoint(routes.getRun)
export class GetRunEndpoint implements Serves<GetRun> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, context }: RouteRequest<GetRun>): Promise<RouteReply<GetRun>> {
    return { status: 200, body: await this.commands.send(getRun, context, { runId: params.id }) };
  }
}

@Endpoint(routes.recordRun)
export class RecordRunEndpoint implements Serves<RecordRun> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, context }: RouteRequest<RecordRun>): Promise<RouteReply<RecordRun>> {
    return { status: 200, body: await this.commands.send(recordRun, context, { runId: params.id }) };
  }
}

@Endpoint(routes.listRunEvents)
export class ListRunEventsEndpoint implements Serves<ListRunEvents> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, query, context }: RouteRequest<ListRunEvents>): Promise<RouteReply<ListRunEvents>> {
    const { limit } = query;
    const after = positionOf(query);
    const { events, done } = await this.commands.send(listRunEvents, context, { runId: params.id, after, limit });
    const last = events.at(-1)?.position;
    // A full page may have a next one; a short one is the last of what there is now, whether or not the run has ended.
    const cursor = last !== undefined && events.length === limit && !done ? encodeCursor({ after: last }) : null;
    return { status: 200, body: { items: events, cursor, done } };
  }
}

function positionOf({ after, cursor }: RouteRequest<ListRunEvents>['query']): number {
  if (cursor === undefined) return after ?? 0;
  if (after !== undefined) throw invalidInput('invalid_query', 'Send either "after" or "cursor", not both.');
  const position = decodeCursor(cursor)['after'];
  if (typeof position === 'number' && Number.isSafeInteger(position) && position >= 0) return position;
  throw invalidInput('invalid_cursor', 'This cursor is none of ours. Leave it out to begin anew.');
}
