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

const rolesIn = (names: ServiceSchema): readonly string[] => [names.tenantRole, names.serviceRole];

/**
 * Makes the roles that are missing and lets the current user take them on.
 * @throws MillraceError `database_roles_missing` with the statements that an administrator must run;
 *   `unsafe_database_role` when a role of that name could bypass row-level security
 */
export async function ensureRoles(owner: Kysely<unknown>, names: ServiceSchema): Promise<void> {
  const roles = rolesIn(names);
  try {
    const present = new Set((await readRoles(owner, roles)).map((role) => role.name));
    for (const role of roles) if (!present.has(role)) await createRole(owner, role);
    for (const role of await readRoles(owner, roles)) {
      if (role.bypasses) throw unsafeRole(role.name);
      if (!role.usable) await grantToCurrentUser(owner, role.name);
    }
  } catch (error) {
    if (hasSqlState(error, '42501')) throw rolesMissing(roles, roles, await quoted(owner), error);
    throw error;
  }
}

/**
 * Lets the user in whose name the service will connect take on its roles.
 * @throws MillraceError `database_login_missing`, `database_roles_missing` with the statement that an administrator must run
 */
export async function grantRoles(owner: Kysely<unknown>, names: ServiceSchema, login: string): Promise<void> {
  const roles = rolesIn(names);
  await checkLogin(owner, login);
  const { rows } = await sql<{ usable: boolean }>`
    select coalesce(bool_and(pg_has_role(${login}::name, oid, 'member')), false) as usable
    from pg_roles where rolname = any(${roles}::text[])`.execute(owner);
  if (rows[0]?.usable === true) return;
  try {
    await sql`grant ${sql.join(roles.map((role) => sql.id(role)))} to ${sql.id(login)}`.execute(owner);
  } catch (error) {
    if (!hasSqlState(error, '42501')) throw error;
    throw rolesMissing(roles, [], await quoted(owner, login), error);
  }
}

async function checkLogin(owner: Kysely<unknown>, login: string): Promise<void> {
  const { rows } = await sql`select from pg_roles where rolname = ${login} and rolcanlogin`.execute(owner);
  if (rows.length > 0) return;
  throw new MillraceError(
    'unavailable',
    'database_login_missing',
    `There is no database user ${await quoted(owner, login)}, whom the service's address names. ` +
      `Let an administrator run: create role ${await quoted(owner, login)} login password '…';`,
    { retryable: false },
  );
}

/**
 * For a user who makes no roles: whether it may take on those of its service.
 * @throws MillraceError `database_roles_missing`, `unsafe_database_role`
 */
export async function checkRoles(user: Kysely<unknown>, names: ServiceSchema): Promise<void> {
  const roles = rolesIn(names);
  const present = await readRoles(user, roles);
  const unsafe = present.find((role) => role.bypasses);
  if (unsafe !== undefined) throw unsafeRole(unsafe.name);
  if (present.length === roles.length && present.every((role) => role.usable)) return;
  const absent = roles.filter((role) => present.every(({ name }) => name !== role));
  throw rolesMissing(roles, absent, await quoted(user));
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

async function quoted(user: Kysely<unknown>, name?: string): Promise<string> {
  const { rows } = await sql<{ quoted: string }>`
    select quote_ident(coalesce(${name ?? null}::text, current_user)) as quoted`.execute(user);
  return rows[0]?.quoted ?? 'the user';
}

function rolesMissing(
  roles: readonly string[],
  absent: readonly string[],
  user: string,
  cause?: unknown,
): MillraceError {
  const statements = [...absent.map((role) => `create role ${role} nologin;`), `grant ${roles.join(', ')} to ${user};`];
  return new MillraceError(
    'forbidden',
    'database_roles_missing',
    `The database user ${absent.length > 0 ? 'may not create roles' : 'lacks the roles of its service'}. ` +
      `Let an administrator run: ${statements.join(' ')}`,
    { cause },
  );
}
