import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { MillraceError } from '@millrace/kernel';
import pg from 'pg';
import { findProgram } from './find-program.js';
import { LocalServer, ServerFolder, type ManagedServer, type ServerPlace } from './local-server.js';

const run = promisify(execFile);

export interface PostgresLaunchOptions extends ServerPlace {
  /** The superuser's password, letters and digits; the one with which a folder was made. Default: a new one. */
  readonly password?: string;
  /** Whether commits reach the disk, as in production. Default false: they survive a kill of the server, not of the machine. */
  readonly fsync?: boolean;
  /** Further settings, e.g. `{ max_connections: '20' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How to name a running server instead, for the error of a missing program. */
  readonly instead?: string;
}

/** `url` is a superuser's, to the database `postgres`. */
export interface PostgresServer extends ManagedServer {
  /** Makes a database, optionally as a copy, and gives its connection string. */
  createDatabase(name: string, options?: { readonly template?: string }): Promise<string>;
  /** Drops a database, ending whatever is connected to it. */
  dropDatabase(name: string): Promise<void>;
  /**
   * Sends a signal and waits for the end. The default SIGQUIT is the crash of a whole server: every backend ends at once,
   * nothing is written any more (after SIGKILL of the first process the others live on for a moment).
   */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

const postgresSource = {
  program: 'initdb',
  debianPackage: 'postgresql',
  otherwise: 'https://www.postgresql.org/download or "brew install postgresql"',
};

/**
 * Starts a PostgreSQL on 127.0.0.1, which ends with this process. The first start of a folder makes its database cluster.
 * @throws MillraceError `server_missing`, saying what to install; `server_folder_unusable` when the user that Postgres
 *   runs as cannot reach the folder
 */
export async function launchPostgres(options: PostgresLaunchOptions = {}): Promise<PostgresServer> {
  // The link resolved: `postgres` itself lies beside it.
  const initdb = realpathSync(await findProgram({ ...postgresSource, instead: options.instead }));
  const user = unprivilegedUser();
  const folder = ServerFolder.open('postgres', options, { temporary: 'QUIT', kept: 'INT' });
  const data = join(folder.path, 'data');
  const { password = randomBytes(16).toString('hex'), detached } = options;
  try {
    await ensureCluster({ initdb, directory: folder.path, data, user, password, fsync: options.fsync === true });
  } catch (error) {
    folder.leave();
    throw error;
  }
  const server = await LocalServer.start(
    {
      name: 'postgres',
      command: (port) => ({
        program: join(dirname(initdb), 'postgres'),
        arguments: ['-D', data, ...settingArguments(port, options)],
        directory: folder.path,
        user,
        detached,
      }),
      answers: (port) => answersQuery(urlOf(password, port)),
      stopSignal: 'SIGINT',
      killSignal: 'SIGQUIT',
      url: (port) => urlOf(password, port),
    },
    folder,
    options.port,
  );
  return Object.assign(server, databasesOf(server.url));
}

const urlOf = (password: string, port: number): string => `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;

interface Unprivileged {
  readonly uid: number;
  readonly gid: number;
}

interface ClusterPlan {
  readonly initdb: string;
  readonly directory: string;
  readonly data: string;
  readonly user: Unprivileged | undefined;
  readonly password: string;
  readonly fsync: boolean;
}

/** initdb, with a password: the port is open to everyone on this machine. Half a cluster is made anew. */
async function ensureCluster({ initdb, directory, data, user, password, fsync }: ClusterPlan): Promise<void> {
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  await requireReachable(directory, user);
  const made = join(directory, 'made');
  if (existsSync(made)) return;
  rmSync(data, { recursive: true, force: true });
  const passwordFile = join(directory, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) chownSync(passwordFile, user.uid, user.gid);
  const flags = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'];
  try {
    await run(initdb, ['-D', data, ...flags, '--locale=C', ...(fsync ? [] : ['--no-sync'])], {
      cwd: directory,
      ...user,
    });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  writeFileSync(made, '');
}

/** The folders above may be closed to the user that Postgres must run as. */
async function requireReachable(directory: string, user: Unprivileged | undefined): Promise<void> {
  if (user === undefined) return;
  await run('/bin/sh', ['-c', 'test -x "$1" -a -w "$1"', 'sh', directory], { cwd: '/', ...user }).catch(
    (cause: unknown) => {
      throw new MillraceError(
        'invalid',
        'server_folder_unusable',
        `Postgres does not run as root, and the user that it runs as (uid ${user.uid}) cannot reach ${directory}. ` +
          'Choose a folder below one that everybody may enter, such as /var/tmp, or start as another user.',
        { cause },
      );
    },
  );
}

function settingArguments(port: number, options: PostgresLaunchOptions): string[] {
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
function unprivilegedUser(): Unprivileged | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  if (user === undefined) {
    throw new MillraceError(
      'unavailable',
      'server_missing',
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
