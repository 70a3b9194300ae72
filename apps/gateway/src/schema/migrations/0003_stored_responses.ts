import { protectTenantTable } from '@millrace/database';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Responses that are kept, and their items: what each was asked and what it answered. A response that continues another holds
 * only what is its own, so a conversation costs its length and not the square of it.
 */
export const storedResponses: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await createResponses(database);
    await createItems(database);
  },
};

/** JSON is text here: it is given back as it came, and nothing looks into it. */
async function createResponses(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table stored_response (
      tenant_id text not null,
      id text not null,
      previous_id text,
      document text not null,
      bytes integer not null,
      chain_length integer not null,
      chain_items integer not null,
      chain_bytes integer not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      primary key (tenant_id, id)
    )`.execute(database);
  await sql`create index stored_response_expiry on stored_response (expires_at)`.execute(database);
  await sql`
    create index stored_response_size on stored_response (tenant_id, expires_at, id) include (bytes)`.execute(database);
  await protectTenantTable(database, 'stored_response', {
    tenant: ['select', 'insert', 'update', 'delete'],
    service: ['select', 'update', 'delete'],
  });
}

async function createItems(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table stored_response_item (
      tenant_id text not null,
      response_id text not null,
      position integer not null,
      id text not null,
      is_output boolean not null,
      item text not null,
      primary key (tenant_id, response_id, position),
      foreign key (tenant_id, response_id) references stored_response (tenant_id, id) on delete cascade
    )`.execute(database);
  await sql`
    create unique index stored_response_item_id on stored_response_item (tenant_id, id)`.execute(database);
  await protectTenantTable(database, 'stored_response_item', {
    tenant: ['select', 'insert', 'delete'],
    service: ['select', 'delete'],
  });
}
