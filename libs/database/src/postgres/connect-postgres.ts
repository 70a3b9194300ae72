/**
 * Postgres, for services that run on their own. Each service has one bounded pool whose connections begin in the
 * service's role and schema, so `asService` costs nothing extra and nothing can run with the owner's rights by mistake.
 */
import { MillraceError } from '@millrace/kernel';
import { Kysely } from 'kysely';
import pg from 'pg';
import type { DatabaseBackend } from '../backend.js';
import { searchPathOf, type ServiceSchema } from '../schema/service-schema.js';
import { valueParsers } from '../values.js';
import { OwnerDialect } from './owner-dialect.js';
import { PostgresSession } from './postgres-session.js';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?…`; the query may hold what pg knows, e.g. `sslmode`. */
  readonly connectionString: string;
  /** Most connections of each service opened on this backend. Default 10. */
  readonly maxConnections?: number;
  /** How long one statement may run. Default 15,000. */
  readonly statementTimeoutMs?: number;
  /** How long a transaction may sit idle before the server ends it, and frees what it holds. Default 10,000. */
  readonly idleInTransactionTimeoutMs?: number;
  /** How long a caller waits for a free connection, and a connection for the server. Default 10,000. */
  readonly connectionTimeoutMs?: number;
  /** Shown in pg_stat_activity. Default `millrace`. */
  readonly applicationName?: string;
}

/**
 * A backend on a Postgres server. It connects when a database is opened on it. Connections are direct or through a pooler in
 * session mode: a role and a search path belong to each.
 * @throws MillraceError `invalid_configuration` when the connection string cannot be read
 */
export function connectPostgres(options: PostgresOptions): DatabaseBackend {
  const address = parseAddress(options.connectionString);
  const sessions = new Set<PostgresSession>();
  const backend: DatabaseBackend = {
    kind: 'postgres',
    async asUser(work) {
      const pool = newPool({ ...poolConfig(options), ...connectionOf(address, []), max: 1, statement_timeout: 0 });
      const user = new Kysely<unknown>({ dialect: new OwnerDialect({ pool }) });
      try {
        return await work(user);
      } finally {
        await pool.end();
      }
    },
    async openSession(names) {
      const pool = newPool({
        ...poolConfig(options),
        ...connectionOf(address, sessionSettings(names)),
        query_timeout: (options.statementTimeoutMs ?? defaultStatementTimeoutMs) + silenceMarginMs,
      });
      const session = new PostgresSession(pool, names, () => sessions.delete(session));
      sessions.add(session);
      try {
        await checkRole(pool, names);
        return session;
      } catch (error) {
        await session.end();
        throw error;
      }
    },
    async close() {
      await Promise.all([...sessions].map((session) => session.end()));
    },
    [Symbol.asyncDispose]: () => backend.close(),
  };
  return backend;
}

const defaultStatementTimeoutMs = 15_000;
/** The server ends a statement by itself; a server that is silent for longer than this on top is taken for gone. */
const silenceMarginMs = 3_000;
/** A connection on which nobody has said anything for so long is asked whether anybody is there. */
const keepAliveAfterMs = 5_000;

/** The password must not reach an error, not even as its cause: URL errors quote their input. */
function parseAddress(connectionString: string): URL {
  const address = URL.canParse(connectionString) ? new URL(connectionString) : undefined;
  if (address !== undefined && ['postgres:', 'postgresql:'].includes(address.protocol)) return address;
  throw new MillraceError(
    'invalid',
    'invalid_configuration',
    'The database address must look like postgres://user:password@host:5432/database.',
  );
}

/** pg lets the address override its options, so what must hold is put into the address. */
function connectionOf(address: URL, settings: readonly string[]): pg.PoolConfig {
  const url = new URL(address);
  const given = url.searchParams.get('options');
  const all = [...(given === null ? [] : [given]), ...settings.map((setting) => `-c ${setting}`)].join(' ');
  if (all !== '') url.searchParams.set('options', all);
  return { connectionString: url.href };
}

const sessionSettings = (names: ServiceSchema): string[] => [
  `role=${names.serviceRole}`,
  `search_path=${searchPathOf(names.schema)}`,
];

const poolConfig = (options: PostgresOptions): pg.PoolConfig => ({
  max: options.maxConnections ?? 10,
  connectionTimeoutMillis: options.connectionTimeoutMs ?? 10_000,
  idleTimeoutMillis: 60_000,
  statement_timeout: options.statementTimeoutMs ?? defaultStatementTimeoutMs,
  idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 10_000,
  application_name: options.applicationName ?? 'millrace',
  keepAlive: true,
  keepAliveInitialDelayMillis: keepAliveAfterMs,
  types: { getTypeParser: getTypeParser as typeof pg.types.getTypeParser },
});

function getTypeParser(typeId: number, format?: 'text' | 'binary'): unknown {
  return (format === 'binary' ? undefined : valueParsers[typeId]) ?? pg.types.getTypeParser(typeId, format);
}

function newPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config);
  // A connection that the server ends leaves the pool by itself, and whoever uses it gets the error from the next
  // statement. Without listeners the event would end the process: the pool's for idle ones, the client's for those in use.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** A pooler between us and the server may drop what a connection begins with; then nobody may work. */
async function checkRole(pool: pg.Pool, names: ServiceSchema): Promise<void> {
  const { rows } = await pool.query<{ role: string; schema: string }>(
    'select current_user as role, current_schema() as schema',
  );
  if (rows[0]?.role === names.serviceRole && rows[0].schema === names.schema) return;
  throw new MillraceError(
    'internal',
    'database_role_not_applied',
    `Connections do not begin in the role ${names.serviceRole} and the schema ${names.schema}. ` +
      'Connect directly or through a pooler in session mode that passes the startup parameter "options" on.',
  );
}
