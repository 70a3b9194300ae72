/** Used inside migrations: says who may do what with a table. What is not said is denied. */
import { MillraceError } from '@millrace/kernel';
import { sql, type Kysely } from 'kysely';
import { rolesOf } from './service-schema.js';

export type Privilege = 'select' | 'insert' | 'update' | 'delete';

/**
 * For a table whose rows belong to tenants: `forTenant` reaches only the tenant's own rows and may do what `tenant` lists,
 * `asService` reaches all rows and may do what `service` lists. The table needs a text column `tenant_id` in its primary key.
 */
export async function protectTenantTable(
  transaction: Kysely<unknown>,
  table: string,
  privileges: { readonly tenant?: readonly Privilege[]; readonly service?: readonly Privilege[] },
): Promise<void> {
  const { tenantRole, serviceRole } = await currentRoles(transaction);
  const target = sql.id(table);
  await sql`alter table ${target} enable row level security`.execute(transaction);
  await sql`alter table ${target} force row level security`.execute(transaction);
  // The setting is an error when it was never set in the session, and the empty string after a transaction that set it.
  const ownRow = sql`tenant_id = nullif(current_setting('millrace.tenant_id'), '')`;
  await sql`create policy tenant_rows on ${target} to ${sql.id(tenantRole)} using (${ownRow}) with check (${ownRow})`.execute(
    transaction,
  );
  // The owner is a member of this role, so data migrations see all rows although row-level security is forced.
  await sql`create policy all_rows on ${target} to ${sql.id(serviceRole)} using (true) with check (true)`.execute(
    transaction,
  );
  await grant(transaction, table, tenantRole, privileges.tenant);
  await grant(transaction, table, serviceRole, privileges.service);
}

/** For a table without tenants, e.g. leases: `asService` may do what `service` lists; tenants may at most read. */
export async function protectServiceTable(
  transaction: Kysely<unknown>,
  table: string,
  privileges: { readonly service: readonly Privilege[]; readonly tenant?: readonly ['select'] },
): Promise<void> {
  const { tenantRole, serviceRole } = await currentRoles(transaction);
  await grant(transaction, table, serviceRole, privileges.service);
  await grant(transaction, table, tenantRole, privileges.tenant);
}

/** Lets `asService` do more with a protected table than its migration said. */
export async function allowService(
  transaction: Kysely<unknown>,
  table: string,
  privileges: readonly Privilege[],
): Promise<void> {
  const { serviceRole } = await currentRoles(transaction);
  await grant(transaction, table, serviceRole, privileges);
}

async function grant(
  transaction: Kysely<unknown>,
  table: string,
  role: string,
  privileges: readonly Privilege[] = [],
): Promise<void> {
  if (privileges.length === 0) return;
  await sql`grant ${sql.raw(privileges.join(', '))} on ${sql.id(table)} to ${sql.id(role)}`.execute(transaction);
}

async function currentRoles(transaction: Kysely<unknown>): Promise<{ tenantRole: string; serviceRole: string }> {
  const { rows } = await sql<{ schema: string | null }>`select current_schema() as schema`.execute(transaction);
  return rolesOf(rows[0]?.schema ?? 'public');
}

interface RelationRow {
  readonly name: string;
  readonly kind: 'table' | 'view' | 'materialized view';
  readonly has_tenant: boolean;
  readonly guarded: boolean;
  readonly tenant_in_key: boolean;
  readonly invoker: boolean;
}

/**
 * Looks at the schema as the migrations left it.
 * @throws MillraceError `unprotected_table` that names each relation through which tenants could see each other
 */
export async function checkProtection(transaction: Kysely<unknown>, schema: string): Promise<void> {
  const { rows } = await sql<RelationRow>`
    select c.relname as name,
      case c.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end as kind,
      a.attnum is not null as has_tenant,
      c.relrowsecurity and c.relforcerowsecurity and exists (
        select from pg_policy p where p.polrelid = c.oid and p.polname = 'tenant_rows') as guarded,
      exists (select from pg_index i
        where i.indrelid = c.oid and i.indisprimary and a.attnum = any(i.indkey)) as tenant_in_key,
      coalesce(c.reloptions && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false) as invoker
    from pg_class c
    left join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
    where c.relnamespace = to_regnamespace(${schema}) and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
    order by c.relname`.execute(transaction);
  const problems = rows.flatMap(problemsOf);
  if (problems.length === 0) return;
  throw new MillraceError(
    'internal',
    'unprotected_table',
    `Tenants would not be apart in the schema ${schema}: ${problems.join('; ')}.`,
  );
}

function problemsOf(relation: RelationRow): string[] {
  const { name, kind } = relation;
  if (kind === 'view' && !relation.invoker) return [`the view ${name} needs "with (security_invoker = true)"`];
  if (!relation.has_tenant || kind === 'view') return [];
  if (kind === 'materialized view') return [`the materialized view ${name} holds tenants' rows without protection`];
  return [
    ...(relation.guarded ? [] : [`the table ${name} has a tenant_id and needs protectTenantTable`]),
    ...(relation.tenant_in_key ? [] : [`the primary key of ${name} lacks tenant_id`]),
  ];
}
