import { protectTenantTable } from '@millrace/database';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Webhooks, what is sent to them, and how far the tenant's events have been read for them. A sequence is a whole number far below
 * 2^53, which both databases give as a number in its type.
 */
export const webhooks: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await createWebhooks(database);
    await createDeliveries(database);
    await createFeeds(database);
  },
};

async function createWebhooks(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table webhook (
      tenant_id text not null,
      id text not null,
      url text not null,
      events jsonb not null,
      description text not null,
      enabled boolean not null,
      disabled_reason text check (disabled_reason in ('by-owner', 'failing', 'gone', 'backlog')),
      failing_since timestamptz,
      secret_key_id text not null,
      sealed_secret text not null,
      previous_secret_key_id text,
      previous_sealed_secret text,
      previous_until timestamptz,
      stream text not null,
      after_sequence double precision not null,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      primary key (tenant_id, id),
      check (enabled = (disabled_reason is null))
    )`.execute(database);
  await protectTenantTable(database, 'webhook', {
    tenant: ['select', 'insert', 'update', 'delete'],
    service: ['select', 'update'],
  });
}

async function createDeliveries(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table webhook_delivery (
      tenant_id text not null,
      id text not null,
      webhook_id text not null,
      event_source text not null,
      event_id text not null,
      event_type text not null,
      body text not null,
      state text not null check (state in ('pending', 'delivered', 'parked')),
      attempts integer not null default 0,
      due_at timestamptz,
      leased_until timestamptz,
      last_status integer,
      last_error text,
      created_at timestamptz not null default now(),
      delivered_at timestamptz,
      primary key (tenant_id, id),
      foreign key (tenant_id, webhook_id) references webhook (tenant_id, id) on delete cascade
    )`.execute(database);
  // An event that is read twice becomes one delivery.
  await sql`
    create unique index webhook_delivery_event
    on webhook_delivery (tenant_id, webhook_id, event_source, event_id)`.execute(database);
  await sql`
    create index webhook_delivery_newest on webhook_delivery (tenant_id, webhook_id, id desc)`.execute(database);
  await sql`create index webhook_delivery_due on webhook_delivery (due_at) where state = 'pending'`.execute(database);
  await sql`
    create index webhook_delivery_age on webhook_delivery (created_at) where state <> 'pending'`.execute(database);
  await protectTenantTable(database, 'webhook_delivery', {
    tenant: ['select', 'insert', 'update', 'delete'],
    service: ['select', 'insert', 'update', 'delete'],
  });
}

async function createFeeds(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table webhook_feed (
      tenant_id text primary key,
      stream text not null,
      after_sequence double precision not null,
      leased_by text not null default '',
      leased_until timestamptz not null default '-infinity'
    )`.execute(database);
  await protectTenantTable(database, 'webhook_feed', {
    tenant: ['select', 'insert', 'update', 'delete'],
    service: ['select', 'update'],
  });
}
