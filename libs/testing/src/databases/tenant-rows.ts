/** What is stored for a tenant, in whatever table of whatever service. */
import type { DatabaseBackend } from '@millrace/database';
import { sql } from 'kysely';

/** By `schema.table`: how many rows a tenant has. Reads as the owner of all, whom no policy holds. */
export async function rowsOf(backend: DatabaseBackend, tenantId: string): Promise<Readonly<Record<string, number>>> {
  return await backend.asUser(async (user) => {
    const { rows: tables } = await sql<{ schema: string; name: string }>`
      select c.table_schema as schema, c.table_name as name from information_schema.columns c
      join information_schema.tables t using (table_schema, table_name)
      where c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE' order by 1, 2`.execute(user);
    const counts: Record<string, number> = {};
    for (const { schema, name } of tables) {
      const { rows } = await sql<{ count: string }>`
        select count(*) as count from ${sql.table(`${schema}.${name}`)} where tenant_id = ${tenantId}`.execute(user);
      counts[`${schema}.${name}`] = Number(rows[0]?.count);
    }
    return counts;
  });
}
