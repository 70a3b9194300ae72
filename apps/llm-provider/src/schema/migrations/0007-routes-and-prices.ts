import { protectServiceTable, protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Routes and prices of tenants, and who has a slot of a target over all processes. */
export const routesAndPrices: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table model_route (
        tenant_id text not null,
        name text not null,
        document jsonb not null,
        revision text not null,
        updated_at timestamptz not null,
        primary key (tenant_id, name)
      )`.execute(database);
    // The first day is empty for a price that always was.
    await sql`
      create table model_price (
        tenant_id text not null,
        model text not null,
        first_day text not null,
        input_usd double precision not null check (input_usd >= 0),
        cached_input_usd double precision check (cached_input_usd >= 0),
        output_usd double precision not null check (output_usd >= 0),
        primary key (tenant_id, model, first_day)
      )`.execute(database);
    await sql`
      create table target_slot (
        target text primary key,
        holders jsonb not null
      )`.execute(database);
    const all = ['select', 'insert', 'update', 'delete'] as const;
    await protectTenantTable(database, 'model_route', { tenant: all });
    await protectTenantTable(database, 'model_price', { tenant: all });
    await protectServiceTable(database, 'target_slot', { service: ['select', 'insert', 'update'] });
  },
};
