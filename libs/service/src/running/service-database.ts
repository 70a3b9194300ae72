/** Which user of Postgres does what for a service: its owner migrates, its login works. */
import { connectPostgres, migrateDatabase, type DatabaseBackend, type SchemaPolicy } from '@millrace/database';
import { MillraceError } from '@millrace/kernel';
import type { Logger } from '@millrace/telemetry';
import type { AnyServiceDefinition } from '../service-definition.js';
import type { ProcessConfiguration } from './process-configuration.js';

/**
 * The backend in whose name a service works; undefined for one without tables.
 * @throws MillraceError `invalid_configuration`
 */
export function openBackend(
  { name, migrations }: AnyServiceDefinition,
  configuration: ProcessConfiguration,
): DatabaseBackend | undefined {
  if (migrations === undefined) return undefined;
  const { databaseUrl, databaseConnections } = configuration;
  if (databaseUrl === undefined) throw noAddress('MILLRACE_DATABASE_URL');
  const applicationName = `millrace-${name}`;
  return connectPostgres({ connectionString: databaseUrl, maxConnections: databaseConnections, applicationName });
}

/** What a starting service does with its schema. With an owner of its own it is migrated here, and the service only checks. */
export async function prepareSchema(
  definition: AnyServiceDefinition,
  configuration: ProcessConfiguration,
  logger: Logger,
): Promise<SchemaPolicy> {
  if (configuration.databaseMigrate === 'never') return 'check';
  if (configuration.databaseMigrationUrl === undefined) return 'migrate';
  await migrateService(definition, configuration, logger);
  return 'check';
}

/**
 * Migrates as the owner that MILLRACE_DATABASE_MIGRATION_URL names, and lets the user of MILLRACE_DATABASE_URL work in the schema;
 * with one of them only, that one does both.
 * @throws MillraceError `invalid_configuration`, and those of `openDatabase`
 */
export async function migrateService(
  { name, migrations }: AnyServiceDefinition,
  configuration: ProcessConfiguration,
  logger: Logger,
): Promise<void> {
  if (migrations === undefined) {
    logger.info('has no tables');
    return;
  }
  const { databaseUrl, databaseMigrationUrl } = configuration;
  const connectionString = databaseMigrationUrl ?? databaseUrl;
  if (connectionString === undefined) throw noAddress('MILLRACE_DATABASE_MIGRATION_URL');
  await using backend = connectPostgres({ connectionString, applicationName: `millrace-${name}-migrate` });
  const login = databaseMigrationUrl === undefined ? undefined : userOf(databaseUrl);
  const applied = await migrateDatabase({ backend, service: name, migrations, login });
  logger.info({ applied, newest: Object.keys(migrations).sort().at(-1) }, 'migrated');
}

/** The connection string itself is judged by whoever connects with it. */
function userOf(databaseUrl: string | undefined): string | undefined {
  if (databaseUrl === undefined || !URL.canParse(databaseUrl)) return undefined;
  return decodeURIComponent(new URL(databaseUrl).username) || undefined;
}

const noAddress = (variable: string): MillraceError =>
  new MillraceError(
    'invalid',
    'invalid_configuration',
    `${variable} is not set; for example postgres://user:password@host:5432/database`,
  );
