import { databasesOf, launchPostgres, type PostgresServer } from '@millrace/servers';
import { externalServer, insteadOf, namedServer } from './external-server.js';

const variable = 'MILLRACE_TEST_POSTGRES_URL';

export interface PostgresOptions {
  /** For tests that kill or restart it: never the server that the environment names. */
  readonly exclusive?: boolean;
  /** Whether commits reach the disk, as in production. Default false: they survive a kill of the server, not of the machine. */
  readonly fsync?: boolean;
  /** Further settings, e.g. `{ max_connections: '20' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * A real PostgreSQL: the one that MILLRACE_TEST_POSTGRES_URL names (as a superuser), or an own one on a free port that
 * ends with this process. Most tests want `testDatabase` instead, which shares one server.
 * @throws MillraceError `server_missing`, saying what to install
 */
export async function startPostgres({ exclusive, ...options }: PostgresOptions = {}): Promise<PostgresServer> {
  const external = externalPostgresUrl();
  if (external !== undefined && exclusive !== true) {
    return Object.assign(externalServer(variable, external, 5432), databasesOf(external));
  }
  return launchPostgres({ ...options, instead: insteadOf(variable) });
}

export const externalPostgresUrl = (): string | undefined => namedServer(variable);
