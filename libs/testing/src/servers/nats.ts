import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { notOurServer } from './external-server.js';
import { findProgram } from './find-program.js';
import { LocalServer, serverDirectory } from './local-server.js';
import { guardDirectory } from './server-process.js';

const variable = 'MILLRACE_TEST_NATS_URL';

export interface NatsServerOptions {
  /** Lines of a nats-server configuration file, e.g. accounts. Port, address and store are set by the launcher. */
  readonly config?: string;
  /** For tests that kill or restart it: never the server that the environment names. Implied by `config`. */
  readonly exclusive?: boolean;
}

export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Where JetStream keeps its files. */
  readonly storeDirectory: string;
  /** Sends a signal (default SIGKILL) and waits for the end; SIGSTOP and SIGCONT pause and continue. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts again on the same port and store. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A real nats-server with JetStream: the one that MILLRACE_TEST_NATS_URL names, or an own one on a free port that ends
 * with this process.
 * @throws MillraceError `test_server_missing`, saying what to install
 */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const external = process.env[variable];
  if (external !== undefined && external !== '' && options.exclusive !== true && options.config === undefined) {
    return externalServer(external);
  }
  const program = await findProgram({
    program: 'nats-server',
    debianPackage: 'nats-server',
    otherwise: 'https://github.com/nats-io/nats-server/releases or "brew install nats-server"',
    variable,
  });
  const directory = serverDirectory('nats');
  const releaseGuard = guardDirectory(directory, 'KILL');
  const storeDirectory = join(directory, 'store');
  mkdirSync(storeDirectory);
  const configFile = join(directory, 'server.conf');
  writeFileSync(configFile, options.config ?? '');
  const server = await LocalServer.start({
    name: 'nats-server',
    directory,
    command: (port) => ({
      program,
      arguments: ['-c', configFile, '-a', '127.0.0.1', '-p', String(port), '-js', '-sd', storeDirectory],
      directory,
    }),
    answers: options.config === undefined ? answersJetStream : listens,
    stopSignal: 'SIGTERM',
    releaseGuard,
  });
  return {
    url: `nats://127.0.0.1:${server.port}`,
    port: server.port,
    storeDirectory,
    kill: (signal) => server.kill(signal),
    restart: () => server.restart(),
    stop: () => server.stop(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** Ready is when JetStream answers: the port opens before that. */
async function answersJetStream(port: number): Promise<void> {
  const connection = await connect({ servers: `127.0.0.1:${port}`, reconnect: false, timeout: 2_000 });
  try {
    await connection.request('$JS.API.INFO', undefined, { timeout: 2_000 });
  } finally {
    await connection.close();
  }
}

/** With a configuration of its own the server may refuse strangers: being refused is an answer too. */
async function listens(port: number): Promise<void> {
  try {
    await answersJetStream(port);
  } catch (error) {
    if (!/authorization|no responders/i.test(String(error))) throw error;
  }
}

function externalServer(url: string): NatsServer {
  const refuse = (what: string) => () => Promise.reject(notOurServer(variable, what));
  return {
    url,
    port: Number(new URL(url).port || 4222),
    get storeDirectory(): string {
      throw notOurServer(variable, 'look into its store');
    },
    kill: refuse('kill it'),
    restart: refuse('restart it'),
    stop: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
