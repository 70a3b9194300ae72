import { rmSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { findProgram } from './find-program.js';
import { LocalServer, ServerFolder, type ManagedServer, type ServerPlace } from './local-server.js';

export interface NatsCredentials {
  readonly user: string;
  readonly password: string;
}

export interface NatsLaunchOptions extends ServerPlace {
  /** Lines of a nats-server configuration file, e.g. accounts. Port, address and store are set by the launcher. */
  readonly config?: string;
  /** A user of `config` who may do everything; they are in `url` then. */
  readonly credentials?: NatsCredentials;
  /** How to name a running server instead, for the error of a missing program. */
  readonly instead?: string;
}

export interface NatsServer extends ManagedServer {
  /** Where JetStream keeps its files. */
  readonly storeDirectory: string;
  /** Takes another configuration while it runs; what users may do changes, connections of removed users end. */
  reconfigure(config: string): void;
  /** Kills the server and removes all that JetStream has stored. `restart` begins with an empty store. */
  wipe(): Promise<void>;
}

const natsSource = {
  program: 'nats-server',
  debianPackage: 'nats-server',
  otherwise: 'https://github.com/nats-io/nats-server/releases or "brew install nats-server"',
};

/**
 * Starts a nats-server with JetStream on 127.0.0.1, which ends with this process.
 * @throws MillraceError `server_missing`, saying what to install
 */
export async function launchNats(options: NatsLaunchOptions = {}): Promise<NatsServer> {
  const program = await findProgram({ ...natsSource, instead: options.instead });
  const folder = ServerFolder.open('nats', options, { temporary: 'KILL', kept: 'TERM' });
  const storeDirectory = join(folder.path, 'store');
  mkdirSync(storeDirectory, { recursive: true });
  const configFile = join(folder.path, 'server.conf');
  // As a flag JetStream would be turned off by the first reload, which compares with the file.
  const store = `jetstream { store_dir: ${JSON.stringify(storeDirectory)} }\n`;
  const configure = (config: string): void => writeFileSync(configFile, store + config, { mode: 0o600 });
  configure(options.config ?? '');
  const { detached, credentials } = options;
  const server = await LocalServer.start(
    {
      name: 'nats-server',
      command: (port) => ({
        program,
        arguments: ['-c', configFile, '-a', '127.0.0.1', '-p', String(port)],
        directory: folder.path,
        detached,
      }),
      answers: readiness(options),
      stopSignal: 'SIGTERM',
      url: (port) => natsUrl(port, credentials),
    },
    folder,
    options.port,
  );
  return Object.assign(server, {
    storeDirectory,
    reconfigure: (config: string): void => {
      configure(config);
      server.tell('SIGHUP');
    },
    wipe: async (): Promise<void> => {
      await server.kill();
      rmSync(storeDirectory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      mkdirSync(storeDirectory);
    },
  });
}

function natsUrl(port: number, credentials: NatsCredentials | undefined): string {
  const user = credentials === undefined ? '' : `${credentials.user}:${encodeURIComponent(credentials.password)}@`;
  return `nats://${user}127.0.0.1:${port}`;
}

function readiness({ config, credentials }: NatsLaunchOptions): (port: number) => Promise<void> {
  return config === undefined || credentials !== undefined ? (port) => answersJetStream(port, credentials) : listens;
}

/** Ready is when JetStream answers: the port opens before that. */
async function answersJetStream(port: number, credentials?: NatsCredentials): Promise<void> {
  const connection = await connect({
    servers: `127.0.0.1:${port}`,
    reconnect: false,
    timeout: 2_000,
    ...(credentials !== undefined && { user: credentials.user, pass: credentials.password }),
  });
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
