/** A migrated database of its own for a test file, real and quick: a copy of a template on Postgres, a loaded dump on PGlite. */
import {
  connectPostgres,
  openDatabase,
  openEmbedded,
  protectServiceTable,
  protectTenantTable,
  type Database,
  type DatabaseBackend,
  type Migrations,
} from '@millrace/database';
import { newId, sha256Hex } from '@millrace/kernel';
import { withClient } from '@millrace/servers';
import { emptyEmbeddedSnapshot } from './empty-embedded.js';
import { sharedPostgres, type SharedPostgres } from './shared-postgres.js';

export const backendKinds = ['postgres', 'pglite'] as const;
export type BackendKind = (typeof backendKinds)[number];

export interface MigratedService {
  readonly service: string;
  readonly migrations: Migrations;
}

export interface TestDatabase<Tables> extends AsyncDisposable {
  readonly database: Database<Tables>;
  /** To open the same database once more, as a second replica or after a "crash" would. */
  readonly backend: DatabaseBackend;
  close(): Promise<void>;
}

/**
 * One service's migrated database for one test file.
 * @example const { database, close } = await testDatabase<Tables>({ backend, service: 'research', migrations });
 */
export async function testDatabase<Tables>(
  options: MigratedService & { readonly backend: BackendKind },
): Promise<TestDatabase<Tables>> {
  const { service, migrations } = options;
  const backend = await testBackend(options.backend, [options]);
  const database = await openDatabase<Tables>({ backend, service, migrations });
  const close = async (): Promise<void> => {
    await database.close();
    await backend.close();
  };
  return { database, backend, close, [Symbol.asyncDispose]: close };
}

/** A backend of its own for several services, migrated already; closing it drops what is in it. */
export async function testBackend(
  kind: BackendKind,
  services: readonly MigratedService[] = [],
): Promise<DatabaseBackend> {
  if (kind === 'pglite') {
    const backend = await openEmbedded({ snapshot: await emptyEmbeddedSnapshot() });
    await migrateAll(backend, services);
    return backend;
  }
  const server = await sharedPostgres();
  const name = newId('test');
  const template = services.length > 0 && server.ours ? await migratedTemplate(server, services) : undefined;
  const connectionString = await server.createDatabase(name, { template });
  const backend = connectPostgres({ connectionString, applicationName: 'millrace-test' });
  const closeAndDrop = async (): Promise<void> => {
    await backend.close();
    await server.dropDatabase(name);
  };
  return { ...backend, close: closeAndDrop, [Symbol.asyncDispose]: closeAndDrop };
}

/** The name of a database with these migrations, made by whoever needs it first. */
async function migratedTemplate(server: SharedPostgres, services: readonly MigratedService[]): Promise<string> {
  const name = `template_${sha256Hex(JSON.stringify(services.map(fingerprint))).slice(0, 32)}`;
  await withClient(server.url, async (client) => {
    await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [name]);
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount !== 0) return;
    const unfinished = newId('unfinished');
    const connectionString = await server.createDatabase(unfinished);
    await using backend = connectPostgres({ connectionString });
    await migrateAll(backend, services);
    await backend.close();
    await client.query(`alter database ${unfinished} rename to ${name}`);
  });
  return name;
}

/** Copies run what their template lacks, so this must only tell apart what differs in a running watch mode. */
const fingerprint = ({ service, migrations }: MigratedService): readonly unknown[] => [
  service,
  Object.entries(migrations).map(([name, migration]) => [name, String(migration.up)]),
  // What a migration calls is part of what it does.
  String(protectTenantTable),
  String(protectServiceTable),
];

async function migrateAll(backend: DatabaseBackend, services: readonly MigratedService[]): Promise<void> {
  for (const { service, migrations } of services) {
    const database = await openDatabase({ backend, service, migrations });
    await database.close();
  }
}
