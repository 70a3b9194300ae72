/** Brings a service's schema to the newest version: one transaction under a lock, so all of it happens or nothing. */
import { MillraceError } from '@millrace/kernel';
import { sql, type Kysely, type Transaction } from 'kysely';
import { Migrator, type MigrationProvider } from 'kysely/migration';
import type { Migrations } from '../database.js';
import { hasSqlState } from '../errors.js';
import { checkProtection } from './protect.js';
import { searchPathOf, type ServiceSchema } from './service-schema.js';

const migrationTable = 'migration';
const migrationLockTable = 'migration_lock';
const migrationName = /^(\d{4})_[a-z0-9]+(_[a-z0-9]+)*$/;

/**
 * Replicas may call this at the same time: they take turns. A database that a newer version has migrated further is left
 * as it is, because migrations expand before they contract.
 * @throws MillraceError `invalid_migration_name`, `migration_history_mismatch`, `migration_failed`, `unprotected_table`,
 *   `database_schema_missing` with the statement that an administrator must run
 * @returns the names of the migrations that ran now
 */
export async function migrate(
  owner: Kysely<unknown>,
  names: ServiceSchema,
  migrations: Migrations,
): Promise<readonly string[]> {
  const known = orderedNames(migrations);
  return owner.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`millrace.${names.schema}`}, 0)),
      set_config('search_path', ${searchPathOf(names.schema)}, true)`.execute(transaction);
    await ensureSchema(transaction, names);
    const executed = await executedMigrations(transaction, names.schema);
    checkHistory(names, known, executed);
    const missing = known.slice(executed.length);
    if (missing.length > 0) {
      await runMigrations(transaction, names, migrations);
      await checkProtection(transaction, names.schema);
    }
    if (known.length > 0) await showHistory(transaction, names);
    return missing;
  });
}

/**
 * For a service that does not migrate: whether the schema is at least what this version needs.
 * @throws MillraceError `database_schema_outdated`, `migration_history_mismatch`, `invalid_migration_name`
 */
export async function checkSchema(user: Kysely<unknown>, names: ServiceSchema, migrations: Migrations): Promise<void> {
  const known = orderedNames(migrations);
  const executed = await user.transaction().execute(async (transaction) => {
    await sql`set local role ${sql.id(names.serviceRole)}`.execute(transaction);
    return (await mayLookInto(transaction, names.schema)) ? executedMigrations(transaction, names.schema) : [];
  });
  checkHistory(names, known, executed);
  if (executed.length >= known.length) return;
  throw new MillraceError(
    'unavailable',
    'database_schema_outdated',
    `The schema ${names.schema} is at ${executed.at(-1) ?? 'its beginning'}, and this version of ${names.service} needs ` +
      `${known.at(-1)}. Migrate first: run the service with the argument "migrate", as the owner of the schema.`,
    { retryable: false },
  );
}

/** The names in order: numbered from 0001 without a gap, so that two branches cannot both add the same number. */
function orderedNames(migrations: Migrations): string[] {
  const names = Object.keys(migrations).sort();
  for (const [index, name] of names.entries()) {
    const expected = String(index + 1).padStart(4, '0');
    if (migrationName.exec(name)?.[1] === expected) continue;
    throw new MillraceError(
      'internal',
      'invalid_migration_name',
      `The migration "${name}" must be called ${expected}_what_it_does: migrations are numbered from 0001 without a gap.`,
    );
  }
  return names;
}

async function ensureSchema(transaction: Transaction<unknown>, names: ServiceSchema): Promise<void> {
  const { rows } = await sql<{ found: boolean }>`
    select to_regnamespace(${names.schema}) is not null as found`.execute(transaction);
  try {
    if (rows[0]?.found !== true) await sql`create schema ${sql.id(names.schema)}`.execute(transaction);
  } catch (error) {
    if (!hasSqlState(error, '42501')) throw error;
    throw new MillraceError(
      'forbidden',
      'database_schema_missing',
      `The database user may not create the schema ${names.schema}. ` +
        `Let an administrator run: create schema ${names.schema} authorization <that user>;`,
      { cause: error },
    );
  }
  await sql`grant usage on schema ${sql.id(names.schema)}
    to ${sql.id(names.tenantRole)}, ${sql.id(names.serviceRole)}`.execute(transaction);
}

async function mayLookInto(transaction: Transaction<unknown>, schema: string): Promise<boolean> {
  const { rows } = await sql<{ usable: boolean | null }>`
    select has_schema_privilege(oid, 'usage') as usable from pg_namespace where nspname = ${schema}`.execute(
    transaction,
  );
  return rows[0]?.usable === true;
}

/** A service that may not migrate still wants to know how far its schema is. */
async function showHistory(transaction: Transaction<unknown>, names: ServiceSchema): Promise<void> {
  await sql`grant select on ${sql.id(names.schema, migrationTable)} to ${sql.id(names.serviceRole)}`.execute(
    transaction,
  );
}

async function executedMigrations(transaction: Transaction<unknown>, schema: string): Promise<string[]> {
  const { rows: tables } = await sql<{ found: boolean }>`
    select to_regclass(${`${schema}.${migrationTable}`}) is not null as found`.execute(transaction);
  if (tables[0]?.found !== true) return [];
  const { rows } = await sql<{ name: string }>`
    select name from ${sql.id(schema, migrationTable)} order by name`.execute(transaction);
  return rows.map((row) => row.name);
}

function checkHistory(names: ServiceSchema, known: readonly string[], executed: readonly string[]): void {
  for (let index = 0; index < Math.min(known.length, executed.length); index++) {
    if (known[index] === executed[index]) continue;
    throw new MillraceError(
      'internal',
      'migration_history_mismatch',
      `This database ran the migration "${executed[index]}" where this version of ${names.service} has "${known[index]}". ` +
        'Released migrations are never renamed, removed or inserted between others: use the version that made this database, or an empty one.',
    );
  }
}

async function runMigrations(
  transaction: Transaction<unknown>,
  names: ServiceSchema,
  migrations: Migrations,
): Promise<void> {
  const provider: MigrationProvider = { getMigrations: () => Promise.resolve({ ...migrations }) };
  const migrator = new Migrator({
    db: transaction,
    provider,
    migrationTableSchema: names.schema,
    migrationTableName: migrationTable,
    migrationLockTableName: migrationLockTable,
  });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const failed = results.find((result) => result.status === 'Error')?.migrationName;
  throw new MillraceError(
    'internal',
    'migration_failed',
    `The migration ${failed === undefined ? '' : `"${failed}" `}of ${names.service} failed; the database is as it was before. ` +
      `Cause: ${error instanceof Error ? error.message : 'unknown'}`,
    { cause: error },
  );
}
