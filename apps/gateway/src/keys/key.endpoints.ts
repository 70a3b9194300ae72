import { routes } from '@millrace/contracts';
import { invalidInput, notFound } from '@millrace/kernel';
import { Inject } from '@nestjs/common';
import { decodeCursor, encodeCursor } from '../endpoint/cursor.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';
import { ApiKeys } from './api-keys.js';
import type { KeyCursor } from './key.store.js';

type CreateKey = typeof routes.createKey;
type ListKeys = typeof routes.listKeys;
type RevokeKey = typeof routes.revokeKey;

@Endpoint(routes.createKey)
export class CreateKeyEndpoint implements Serves<CreateKey> {
  constructor(@Inject(ApiKeys) private readonly keys: ApiKeys) {}

  async handle({ body, context }: RouteRequest<CreateKey>): Promise<RouteReply<CreateKey>> {
    return { status: 201, body: await this.keys.create(context.tenantId, body) };
  }
}

@Endpoint(routes.listKeys)
export class ListKeysEndpoint implements Serves<ListKeys> {
  constructor(@Inject(ApiKeys) private readonly keys: ApiKeys) {}

  async handle({ query, context }: RouteRequest<ListKeys>): Promise<RouteReply<ListKeys>> {
    const { limit, cursor } = query;
    const items = await this.keys.list(context.tenantId, limit, cursor === undefined ? undefined : keyCursorOf(cursor));
    const last = items.at(-1);
    const next = last && items.length === limit ? encodeCursor({ createdAt: last.createdAt, id: last.id }) : null;
    return { status: 200, body: { items, cursor: next } };
  }
}

@Endpoint(routes.revokeKey)
export class RevokeKeyEndpoint implements Serves<RevokeKey> {
  constructor(@Inject(ApiKeys) private readonly keys: ApiKeys) {}

  async handle({ params, context }: RouteRequest<RevokeKey>): Promise<RouteReply<RevokeKey>> {
    const key = await this.keys.revoke(context.tenantId, params.id);
    if (!key) throw notFound('unknown_key', `There is no key ${params.id}.`);
    return { status: 200, body: key };
  }
}

function keyCursorOf(cursor: string): KeyCursor {
  const { createdAt, id } = decodeCursor(cursor);
  if (typeof id === 'string' && typeof createdAt === 'string' && !Number.isNaN(Date.parse(createdAt))) {
    return { createdAt: new Date(createdAt).toISOString(), id };
  }
  throw invalidInput('invalid_cursor', 'This cursor is none of ours. Leave it out to begin anew.');
}
