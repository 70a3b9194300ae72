import { routes } from '@millrace/contracts';
import { invalidInput, MillraceError } from '@millrace/kernel';
import { Inject } from '@nestjs/common';
import { Endpoint } from '../../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../../endpoint/exchange.js';
import { ResponseStore } from './response.store.js';

type GetResponse = typeof routes.openAiGetResponse;
type DeleteResponse = typeof routes.openAiDeleteResponse;
type ListInputItems = typeof routes.openAiListInputItems;

const pageLength = 20;

@Endpoint(routes.openAiGetResponse)
export class GetResponseEndpoint implements Serves<GetResponse> {
  constructor(@Inject(ResponseStore) private readonly store: ResponseStore) {}

  async handle({ params, context: { tenantId } }: RouteRequest<GetResponse>): Promise<RouteReply<GetResponse>> {
    const found = await this.store.find(tenantId, params.id);
    if (found === null) throw unknownResponse(params.id);
    return { status: 200, body: { ...found.document, output: await this.store.output(tenantId, params.id) } };
  }
}

@Endpoint(routes.openAiDeleteResponse)
export class DeleteResponseEndpoint implements Serves<DeleteResponse> {
  constructor(@Inject(ResponseStore) private readonly store: ResponseStore) {}

  async handle({ params: { id }, context }: RouteRequest<DeleteResponse>): Promise<RouteReply<DeleteResponse>> {
    if (!(await this.store.remove(context.tenantId, id))) throw unknownResponse(id);
    return { status: 200, body: { id, object: 'response', deleted: true } };
  }
}

@Endpoint(routes.openAiListInputItems)
export class ListInputItemsEndpoint implements Serves<ListInputItems> {
  constructor(@Inject(ResponseStore) private readonly store: ResponseStore) {}

  async handle({ params: { id }, query, context }: RouteRequest<ListInputItems>): Promise<RouteReply<ListInputItems>> {
    const { tenantId } = context;
    if ((await this.store.find(tenantId, id)) === null) throw unknownResponse(id);
    const { limit = pageLength, order = 'desc', after = null } = query;
    const rows = await this.store.asked(tenantId, id, { limit, order, after });
    if (after !== null && rows.length === 0) await this.refuseStrange(tenantId, after);
    const data = rows.slice(0, limit);
    const body = {
      object: 'list' as const,
      data: [...data],
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
      has_more: rows.length > limit,
    };
    return { status: 200, body };
  }

  /** An end is no mistake, but an item that there never was would look like one. */
  private async refuseStrange(tenantId: string, id: string): Promise<void> {
    if ((await this.store.items(tenantId, [id])).length > 0) return;
    throw invalidInput('invalid_cursor', `There is no item ${id}. Leave it out to begin anew.`, [
      { pointer: '/after', message: 'names no item' },
    ]);
  }
}

const unknownResponse = (id: string): MillraceError =>
  new MillraceError(
    'not-found',
    'response_not_found',
    `There is no response ${id}: it was not stored, or it is gone.`,
    {
      violations: [{ pointer: '/id', message: 'names no response' }],
    },
  );
