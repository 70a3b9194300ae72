import {
  deleteThread,
  getThread,
  getThreadState,
  listThreads,
  listThreadVersions,
  patchThreadState,
  routes,
  type ThreadState,
} from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type ListThreads = typeof routes.listThreads;
type GetThread = typeof routes.getThread;
type DeleteThread = typeof routes.deleteThread;
type GetThreadState = typeof routes.getThreadState;
type PatchThreadState = typeof routes.patchThreadState;
type ListThreadHistory = typeof routes.listThreadHistory;

@Endpoint(routes.listThreads)
export class ListThreadsEndpoint implements Serves<ListThreads> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ query, context }: RouteRequest<ListThreads>): Promise<RouteReply<ListThreads>> {
    return { status: 200, body: await this.commands.send(listThreads, context, query) };
  }
}

@Endpoint(routes.getThread)
export class GetThreadEndpoint implements Serves<GetThread> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, context }: RouteRequest<GetThread>): Promise<RouteReply<GetThread>> {
    return { status: 200, body: await this.commands.send(getThread, context, { threadId: params.id }) };
  }
}

@Endpoint(routes.deleteThread)
export class DeleteThreadEndpoint implements Serves<DeleteThread> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, context }: RouteRequest<DeleteThread>): Promise<RouteReply<DeleteThread>> {
    return { status: 200, body: await this.commands.send(deleteThread, context, { threadId: params.id }) };
  }
}

@Endpoint(routes.getThreadState)
export class GetThreadStateEndpoint implements Serves<GetThreadState> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, context }: RouteRequest<GetThreadState>): Promise<RouteReply<GetThreadState>> {
    const body = await this.commands.send(getThreadState, context, { threadId: params.id });
    return { status: 200, body, headers: tagged(body) };
  }
}

@Endpoint(routes.patchThreadState)
export class PatchThreadStateEndpoint implements Serves<PatchThreadState> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({
    params,
    headers,
    body: patch,
    context,
  }: RouteRequest<PatchThreadState>): Promise<RouteReply<PatchThreadState>> {
    const version = versionIn(headers['if-match']);
    const body = await this.commands.send(patchThreadState, context, { threadId: params.id, patch, version });
    return { status: 200, body, headers: tagged(body) };
  }
}

@Endpoint(routes.listThreadHistory)
export class ListThreadHistoryEndpoint implements Serves<ListThreadHistory> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, query, context }: RouteRequest<ListThreadHistory>): Promise<RouteReply<ListThreadHistory>> {
    const body = await this.commands.send(listThreadVersions, context, { threadId: params.id, ...query });
    return { status: 200, body };
  }
}

const tagged = ({ version }: ThreadState): { readonly etag: string } => ({ etag: `"${version}"` });

/** The version that a caller knows; null for any. Nobody writes over what they have not seen by leaving it out. */
function versionIn(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined) {
    const message = 'Say which version you change: If-Match with the ETag of the state, or "0" to begin a thread.';
    throw new MillraceError('invalid', 'precondition_required', message);
  }
  return ifMatch === '*' ? null : Number(ifMatch.slice(1, -1));
}
