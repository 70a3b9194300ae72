import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findProgram } from './find-program.js';
import { LocalServer, ServerFolder, type ManagedServer, type ServerPlace } from './local-server.js';

export interface RedisLaunchOptions extends ServerPlace {
  /** What clients must know; in `url` then. Letters and digits. */
  readonly password?: string;
  /** Whether every command is on the disk before it is answered. Default false: nothing is stored. */
  readonly durable?: boolean;
  /** How to name a running server instead, for the error of a missing program. */
  readonly instead?: string;
}

/** Unless it is durable, it starts again empty. */
export type RedisServer = ManagedServer;

const redisSource = {
  program: 'redis-server',
  debianPackage: 'redis-server',
  otherwise: 'https://redis.io/docs/latest/operate/oss_and_stack/install or "brew install redis"',
};

/**
 * Starts a Redis on 127.0.0.1 that ends with this process.
 * @throws MillraceError `server_missing`, saying what to install
 */
export async function launchRedis(options: RedisLaunchOptions = {}): Promise<RedisServer> {
  const { detached, password, durable = false, instead } = options;
  const program = await findProgram({ ...redisSource, instead });
  const folder = ServerFolder.open('redis', options, { temporary: 'KILL', kept: 'TERM' });
  const configFile = join(folder.path, 'server.conf');
  // A password among the arguments would show in the list of processes.
  writeFileSync(configFile, password === undefined ? '' : `requirepass ${password}\n`, { mode: 0o600 });
  return LocalServer.start(
    {
      name: 'redis-server',
      command: (port) => ({
        program,
        arguments: [configFile, ...settingArguments(port, folder.path, durable)],
        directory: folder.path,
        detached,
      }),
      answers: (port) => answersPing(port, password),
      stopSignal: 'SIGTERM',
      url: (port) => `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`,
    },
    folder,
    options.port,
  );
}

const settingArguments = (port: number, directory: string, durable: boolean): string[] =>
  Object.entries({
    ...{ bind: '127.0.0.1', port: String(port), save: '', dir: directory },
    ...(durable ? { appendonly: 'yes', appendfsync: 'always' } : { appendonly: 'no' }),
  }).flatMap(([name, value]) => [`--${name}`, value]);

async function answersPing(port: number, password: string | undefined): Promise<void> {
  const client = new Redis({
    host: '127.0.0.1',
    port,
    password,
    lazyConnect: true,
    retryStrategy: null,
    connectTimeout: 2_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.ping();
  } finally {
    client.disconnect();
  }
}
