import type { OpenAiResponse } from '@millrace/contracts';
import type { Database } from '@millrace/database';
import { CONFIG, DATABASE } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { GatewayConfig } from '../../config.js';
import type { GatewayTables } from '../../schema/tables.js';
import type { StoredItem } from './response-items.js';

/** A response without its output, and the conversation up to its end. */
export interface FoundResponse {
  readonly id: string;
  readonly document: Omit<OpenAiResponse, 'output'>;
  readonly length: number;
  readonly items: number;
  readonly bytes: number;
}

export interface NewResponse {
  readonly response: OpenAiResponse;
  readonly input: readonly StoredItem[];
  readonly previous: FoundResponse | null;
}

export interface Page {
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  /** The id of an item; null for the first page. */
  readonly after: string | null;
}

type Limits = Pick<GatewayConfig, 'responseKeepDays' | 'responsesPerTenant' | 'responseBytesPerTenant'>;

const prunedAtOnce = 500;
/** How far the end of a response may lie before the end of one that continues it. */
const lag = sql`interval '1 hour'`;
/** For how long a row stays after its end: others that have not ended may still continue it. */
const grace = sql`interval '1 day'`;

/**
 * Responses that are kept. What was continued is kept for as long as what continues it: each continuation moves the end of all
 * before it, though of each at most once an hour, and no row is removed before what may continue it.
 */
@Injectable()
export class ResponseStore {
  constructor(
    @Inject(DATABASE) private readonly database: Database<GatewayTables>,
    @Inject(CONFIG) private readonly limits: Limits,
  ) {}

  /** @returns how many bytes it takes */
  async keep(tenantId: string, { response, input, previous }: NewResponse): Promise<number> {
    const { output, ...document } = response;
    const items = [...input, ...output];
    const [text, texts] = [JSON.stringify(document), items.map((item) => JSON.stringify(item))];
    const bytes = [text, ...texts].reduce((sum, each) => sum + Buffer.byteLength(each), 0);
    const until = sql`now() + ${this.limits.responseKeepDays}::integer * interval '1 day'`;
    await this.database.forTenant(tenantId, async (transaction) => {
      await sql`
        with response as (
          insert into stored_response
            (tenant_id, id, previous_id, document, bytes, chain_length, chain_items, chain_bytes, expires_at)
          values (${tenantId}, ${response.id}, ${previous?.id ?? null}, ${text}, ${bytes}::integer,
                  ${(previous?.length ?? 0) + 1}::integer, ${(previous?.items ?? 0) + items.length}::integer,
                  ${(previous?.bytes ?? 0) + bytes}::integer, ${until}))
        insert into stored_response_item (tenant_id, response_id, position, id, is_output, item)
        select ${tenantId}::text, ${response.id}::text, position - 1, id, position > ${input.length}::integer, item
        from unnest(${items.map(({ id }) => id)}::text[], ${texts}::text[]) with ordinality as item (id, item, position)`.execute(
        transaction,
      );
      if (previous === null) return;
      await sql`
        with recursive ${chainFrom(tenantId, previous.id)}
        update stored_response set expires_at = ${until}
        where tenant_id = ${tenantId} and id in (select id from chain) and expires_at < ${until} - ${lag}`.execute(
        transaction,
      );
    });
    return bytes;
  }

  /** Null where there is none, or none any more. */
  async find(tenantId: string, id: string): Promise<FoundResponse | null> {
    const row = await this.database.forTenant(tenantId, (transaction) =>
      transaction
        .selectFrom('stored_response')
        .select(['id', 'document', 'chain_length as length', 'chain_items as items', 'chain_bytes as bytes'])
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where('expires_at', '>', sql<Date>`now()`)
        .executeTakeFirst(),
    );
    return row === undefined ? null : { ...row, document: JSON.parse(row.document) as FoundResponse['document'] };
  }

  /** What a response answered, in its order. */
  async output(tenantId: string, id: string): Promise<OpenAiResponse['output']> {
    const rows = await this.database.forTenant(tenantId, (transaction) =>
      transaction
        .selectFrom('stored_response_item')
        .select('item')
        .where('tenant_id', '=', tenantId)
        .where('response_id', '=', id)
        .where('is_output', '=', true)
        .orderBy('position')
        .execute(),
    );
    return rows.map(({ item }) => JSON.parse(item) as OpenAiResponse['output'][number]);
  }

  /** All that was said up to the end of a response. Null where a response before it is gone. */
  async conversation(tenantId: string, { id, length }: FoundResponse): Promise<readonly StoredItem[] | null> {
    const { rows } = await this.database.forTenant(tenantId, (transaction) =>
      sql<{ depth: number; item: string | null }>`
        with recursive ${chainFrom(tenantId, id)}
        select chain.depth, said.item from chain
        left join stored_response_item said on said.tenant_id = ${tenantId} and said.response_id = chain.id
        order by chain.depth desc, said.position`.execute(transaction),
    );
    if (rows[0]?.depth !== length - 1) return null;
    return rows.flatMap(({ item }) => (item === null ? [] : [JSON.parse(item) as StoredItem]));
  }

  /** Items by their ids, in any order. */
  async items(tenantId: string, ids: readonly string[]): Promise<readonly StoredItem[]> {
    const { rows } = await this.database.forTenant(tenantId, (transaction) =>
      sql<{ item: string }>`
        select said.item from stored_response_item said
        join stored_response response on response.tenant_id = said.tenant_id and response.id = said.response_id
        where said.tenant_id = ${tenantId} and said.id = any(${[...ids]}::text[]) and response.expires_at > now()`.execute(
        transaction,
      ),
    );
    return rows.map(({ item }) => JSON.parse(item) as StoredItem);
  }

  /** What a response was asked, the responses before it included: one item more than the page holds where there are more. */
  async asked(tenantId: string, id: string, { limit, order, after }: Page): Promise<readonly StoredItem[]> {
    const direction = order === 'asc' ? sql`asc` : sql`desc`;
    const further = order === 'asc' ? sql`>` : sql`<`;
    const { rows } = await this.database.forTenant(tenantId, (transaction) =>
      sql<{ item: string }>`
        with recursive ${chainFrom(tenantId, id)}, asked as (
          select said.id, said.item, row_number() over (order by chain.depth desc, said.position) as place from chain
          join stored_response_item said on said.tenant_id = ${tenantId} and said.response_id = chain.id
          where chain.depth > 0 or not said.is_output)
        select item from asked
        where ${after}::text is null or place ${further} (select place from asked where id = ${after}::text)
        order by place ${direction} limit ${limit + 1}::integer`.execute(transaction),
    );
    return rows.map(({ item }) => JSON.parse(item) as StoredItem);
  }

  /** Whether there was one. */
  async remove(tenantId: string, id: string): Promise<boolean> {
    const { rows } = await this.database.forTenant(tenantId, (transaction) =>
      sql`
        delete from stored_response where tenant_id = ${tenantId} and id = ${id} and expires_at > now()
        returning id`.execute(transaction),
    );
    return rows.length > 0;
  }

  /** Removes some of what is past its time, of all tenants. @returns whether there may be more */
  async prune(): Promise<boolean> {
    const { rows } = await this.database.asService((transaction) =>
      sql`
        delete from stored_response where (tenant_id, id) in (
          select tenant_id, id from stored_response where expires_at <= now() - ${grace}
          order by expires_at limit ${prunedAtOnce}::integer for update skip locked)
        returning id`.execute(transaction),
    );
    return rows.length === prunedAtOnce;
  }

  /** Removes some of what a tenant has beyond its bounds, those first that expire first. @returns whether there may be more */
  async trim(tenantId: string): Promise<boolean> {
    const { responsesPerTenant, responseBytesPerTenant } = this.limits;
    const { rows } = await this.database.forTenant(tenantId, (transaction) =>
      sql`
        delete from stored_response where tenant_id = ${tenantId} and id in (
          select id from (
            select id, row_number() over latest as place, sum(bytes) over latest as total from stored_response
            where tenant_id = ${tenantId} window latest as (order by expires_at desc, id desc)) as kept
          where place > ${responsesPerTenant}::integer or total > ${responseBytesPerTenant}::bigint
          order by place desc limit ${prunedAtOnce}::integer)
        returning id`.execute(transaction),
    );
    return rows.length === prunedAtOnce;
  }
}

/** A response and those that it continues, each with how far back it is. */
const chainFrom = (tenantId: string, id: string) => sql`
  chain (id, previous_id, depth) as (
    select id, previous_id, 0 from stored_response where tenant_id = ${tenantId} and id = ${id}
    union all
    select earlier.id, earlier.previous_id, chain.depth + 1 from chain
    join stored_response earlier on earlier.tenant_id = ${tenantId} and earlier.id = chain.previous_id)`;
