/** The two roles of a service. They belong to the server, so other databases may make the same ones at the same time. */
import { MillraceError } from '@millrace/kernel';
import { sql, type Kysely } from 'kysely';
import { hasSqlState, sqlState } from '../errors.js';
import type { ServiceSchema } from './service-schema.js';

interface RoleRow {
  readonly name: string;
  readonly bypasses: boolean;
  readonly usable: boolean;
}

const grantAttempts = 10;

/**
 * Makes the roles that are missing and lets the current user take them on.
 * @throws MillraceError `database_roles_missing` with the statements that an administrator must run;
 *   `unsafe_database_role` when a role of that name could bypass row-level security
 */
export async function ensureRoles(owner: Kysely<unknown>, names: ServiceSchema): Promise<void> {
  const roles = [names.tenantRole, names.serviceRole];
  try {
    const present = new Set((await readRoles(owner, roles)).map((role) => role.name));
    for (const role of roles) if (!present.has(role)) await createRole(owner, role);
    for (const role of await readRoles(owner, roles)) {
      if (role.bypasses) throw unsafeRole(role.name);
      if (!role.usable) await grantToCurrentUser(owner, role.name);
    }
  } catch (error) {
    if (hasSqlState(error, '42501')) throw await rolesMissing(owner, roles, error);
    throw error;
  }
}

async function readRoles(owner: Kysely<unknown>, roles: readonly string[]): Promise<readonly RoleRow[]> {
  // From version 16 on membership alone does not allow `set role`.
  const { rows } = await sql<RoleRow>`
    select rolname as name, rolsuper or rolbypassrls as bypasses,
      pg_has_role(current_user, oid,
        case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end) as usable
    from pg_roles where rolname = any(${roles}::text[])`.execute(owner);
  return rows;
}

async function createRole(owner: Kysely<unknown>, role: string): Promise<void> {
  try {
    await sql`create role ${sql.id(role)} nologin nosuperuser nocreatedb nocreaterole nobypassrls`.execute(owner);
  } catch (error) {
    // Somebody else made it in between: through another database of this server, or another replica.
    if (!hasSqlState(error, '42710', '23505')) throw error;
  }
}

async function grantToCurrentUser(owner: Kysely<unknown>, role: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await sql`grant ${sql.id(role)} to current_user`.execute(owner);
      return;
    } catch (error) {
      // XX000 is "tuple concurrently updated": another replica grants the same at this moment.
      const collision = sqlState(error) === 'XX000' || sqlState(error) === '23505';
      if (!collision || attempt === grantAttempts) throw error;
    }
  }
}

const unsafeRole = (role: string): MillraceError =>
  new MillraceError(
    'internal',
    'unsafe_database_role',
    `The database role ${role} is a superuser or bypasses row-level security, so tenants would not be apart. ` +
      `Let an administrator run: alter role ${role} nosuperuser nobypassrls;`,
  );

async function rolesMissing(owner: Kysely<unknown>, roles: readonly string[], cause: unknown): Promise<MillraceError> {
  const { rows } = await sql<{ user: string }>`select quote_ident(current_user) as user`.execute(owner);
  const statements = [
    ...roles.map((role) => `create role ${role} nologin;`),
    `grant ${roles.join(', ')} to ${rows[0]?.user ?? 'the user'};`,
  ];
  return new MillraceError(
    'forbidden',
    'database_roles_missing',
    `The database user may not create roles. Let an administrator run: ${statements.join(' ')}`,
    { cause },
  );
}
