import { protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';

/** Names for versions of graphs that can be moved. */
export const graphAliases = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table graph_alias (
        tenant_id text not null,
        graph_name text not null,
        alias text not null,
        graph_version integer not null check (graph_version > 0),
        updated_at timestamptz not null,
        primary key (tenant_id, graph_name, alias)
      )`.execute(database);
    await protectTenantTable(database, 'graph_alias', { tenant: ['select', 'insert', 'update', 'delete'] });
  },
};
