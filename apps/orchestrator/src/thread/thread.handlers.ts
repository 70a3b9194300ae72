import type {
  deleteThread,
  getThread,
  getThreadState,
  listThreads,
  listThreadVersions,
  patchThreadState,
  RequestOf,
  ResponseOf,
  Thread,
  ThreadState,
} from '@millrace/contracts';
import type { CommandHandler, CommandMessage } from '@millrace/service';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { readCursor, writeCursor } from '../cursor.js';
import { Orchestrator } from '../orchestrator.js';

@Injectable()
export class GetThreadHandler implements CommandHandler<typeof getThread> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle({ threadId }: RequestOf<typeof getThread>, { tenantId }: CommandMessage): Promise<Thread> {
    return this.orchestrator.threads.get(tenantId, threadId);
  }
}

@Injectable()
export class DeleteThreadHandler implements CommandHandler<typeof deleteThread> {
  constructor(private readonly orchestrator: Orchestrator) {}

  async handle(
    { threadId }: RequestOf<typeof deleteThread>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof deleteThread>> {
    await this.orchestrator.threads.delete(tenantId, threadId);
    return { deleted: true };
  }
}

@Injectable()
export class GetThreadStateHandler implements CommandHandler<typeof getThreadState> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle({ threadId }: RequestOf<typeof getThreadState>, { tenantId }: CommandMessage): Promise<ThreadState> {
    return this.orchestrator.threads.state(tenantId, threadId);
  }
}

@Injectable()
export class PatchThreadStateHandler implements CommandHandler<typeof patchThreadState> {
  constructor(private readonly orchestrator: Orchestrator) {}

  handle(
    { threadId, ...change }: RequestOf<typeof patchThreadState>,
    { tenantId }: CommandMessage,
  ): Promise<ThreadState> {
    return this.orchestrator.threads.patch(tenantId, threadId, change);
  }
}

const threadCursorSchema = z.strictObject({ createdAt: z.iso.datetime(), id: z.string() });

@Injectable()
export class ListThreadsHandler implements CommandHandler<typeof listThreads> {
  constructor(private readonly orchestrator: Orchestrator) {}

  async handle(
    { limit, cursor }: RequestOf<typeof listThreads>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof listThreads>> {
    const after = cursor === undefined ? null : readCursor(threadCursorSchema, cursor);
    const found = await this.orchestrator.threads.list(tenantId, after, limit + 1);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const more = found.length > limit && last !== undefined;
    return { items, cursor: more ? writeCursor({ createdAt: last.createdAt, id: last.id }) : null };
  }
}

const versionCursorSchema = z.strictObject({ before: z.int().positive() });

@Injectable()
export class ListThreadVersionsHandler implements CommandHandler<typeof listThreadVersions> {
  constructor(private readonly orchestrator: Orchestrator) {}

  async handle(
    { threadId, limit, cursor }: RequestOf<typeof listThreadVersions>,
    { tenantId }: CommandMessage,
  ): Promise<ResponseOf<typeof listThreadVersions>> {
    const before = cursor === undefined ? null : readCursor(versionCursorSchema, cursor).before;
    const { items, next } = await this.orchestrator.threads.history(tenantId, threadId, { before, limit });
    return { items: [...items], cursor: next === null ? null : writeCursor({ before: next }) };
  }
}
