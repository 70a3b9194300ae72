import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { MillraceError } from '@millrace/kernel';
import pg from 'pg';
import { notOurServer } from './external-server.js';
import { findProgram } from './find-program.js';
import { LocalServer, serverDirectory } from './local-server.js';
import { guardDirectory } from './server-process.js';

const run = promisify(execFile);
const variable = 'MILLRACE_TEST_POSTGRES_URL';
const postgresSource = {
  program: 'initdb',
  debianPackage: 'postgresql',
  otherwise: 'https://www.postgresql.org/download or "brew install postgresql"',
  variable,
};

export interface PostgresOptions {
  /** For tests that kill or restart it: never the server that the environment names. */
  readonly exclusive?: boolean;
  /** Whether commits reach the disk, as in production. Default false: they survive a kill of the server, not of the machine. */
  readonly fsync?: boolean;
  /** Further settings, e.g. `{ max_connections: '20' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostgresServer extends AsyncDisposable {
  /** A superuser's connection string, to the database `postgres`. */
  readonly url: string;
  readonly port: number;
  /** Makes a database, optionally as a copy, and gives its connection string. */
  createDatabase(name: string, options?: { readonly template?: string }): Promise<string>;
  /** Drops a database, ending whatever is connected to it. */
  dropDatabase(name: string): Promise<void>;
  /**
   * Sends a signal and waits for the end. The default SIGQUIT is the crash of a whole server: every backend ends at once,
   * nothing is written any more (after SIGKILL of the first process the others live on for a moment).
   */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts again on the same port and data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A real PostgreSQL: the one that MILLRACE_TEST_POSTGRES_URL names (as a superuser), or an own one on a free port that
 * ends with this process. Most tests want `testDatabase` instead, which shares one server.
 * @throws MillraceError `test_server_missing`, saying what to install
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const external = externalPostgresUrl();
  if (external !== undefined && options.exclusive !== true) return externalPostgres(external);
  const directory = serverDirectory('postgres');
  return launchPostgres(directory, options, guardDirectory(directory, 'QUIT'));
}

export function externalPostgresUrl(): string | undefined {
  const url = process.env[variable];
  return url === '' ? undefined : url;
}

/** Starts an own server in a folder that is guarded already: making a cluster takes a second in which much can happen. */
export async function launchPostgres(
  directory: string,
  options: PostgresOptions & { readonly detached?: boolean },
  releaseGuard: () => void,
): Promise<PostgresServer> {
  // The link resolved: `postgres` itself lies beside it.
  const initdb = realpathSync(await findProgram(postgresSource));
  const user = unprivilegedUser();
  const data = join(directory, 'data');
  const password = await createCluster(initdb, directory, data, user);
  const server = await LocalServer.start({
    name: 'postgres',
    directory,
    command: (port) => ({
      program: join(dirname(initdb), 'postgres'),
      arguments: ['-D', data, ...settingArguments(port, options)],
      directory,
      user,
      detached: options.detached,
    }),
    answers: (port) => answersQuery(urlOf(password, port)),
    stopSignal: 'SIGINT',
    releaseGuard,
  });
  const url = urlOf(password, server.port);
  return {
    url,
    port: server.port,
    ...databasesOf(url),
    kill: (signal = 'SIGQUIT') => server.kill(signal),
    restart: () => server.restart(),
    stop: () => server.stop(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

const urlOf = (password: string, port: number): string => `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;

/** initdb, with a password of this run: the port is open to everyone on this machine. */
async function createCluster(
  initdb: string,
  directory: string,
  data: string,
  user: { uid: number; gid: number } | undefined,
): Promise<string> {
  const password = randomBytes(16).toString('hex');
  const passwordFile = join(directory, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) {
    chownSync(directory, user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  const flags = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'];
  try {
    await run(initdb, ['-D', data, ...flags, '--locale=C', '--no-sync'], { cwd: directory, ...user });
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
  rmSync(passwordFile);
  return password;
}

function settingArguments(port: number, options: PostgresOptions): string[] {
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    // No socket file: its path would be too long in the temporary folders of some systems.
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '64MB',
    // Commits reach the operating system all the same, so they survive a kill of the server.
    ...(options.fsync !== true && { fsync: 'off', full_page_writes: 'off' }),
    ...options.settings,
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Postgres refuses to run as root: the user `postgres` of its package, else `nobody`. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  if (user === undefined) {
    throw new MillraceError(
      'unavailable',
      'test_server_missing',
      'Postgres does not run as root, and this machine has neither a user "postgres" nor "nobody".',
    );
  }
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

async function answersQuery(url: string): Promise<void> {
  await withClient(url, (client) => client.query('select 1'));
}

/** The databases of the server that a superuser's connection string names. */
export function databasesOf(url: string): Pick<PostgresServer, 'createDatabase' | 'dropDatabase'> {
  return {
    createDatabase: async (name, { template } = {}) => {
      const copy = template === undefined ? '' : ` template ${pg.escapeIdentifier(template)}`;
      await withClient(url, (client) => client.query(`create database ${pg.escapeIdentifier(name)}${copy}`));
      return databaseUrl(url, name);
    },
    dropDatabase: async (name) => {
      await withClient(url, (client) =>
        client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`),
      );
    },
  };
}

/** The same server's connection string for another database. */
function databaseUrl(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(name)}`;
  return other.href;
}

export async function withClient<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function externalPostgres(url: string): PostgresServer {
  const refuse = (what: string) => () => Promise.reject(notOurServer(variable, what));
  return {
    url,
    port: Number(new URL(url).port || 5432),
    ...databasesOf(url),
    kill: refuse('kill it'),
    restart: refuse('restart it'),
    stop: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
