import { Redis } from 'ioredis';
import { notOurServer } from './external-server.js';
import { findProgram } from './find-program.js';
import { LocalServer, serverDirectory } from './local-server.js';
import { guardDirectory } from './server-process.js';

const variable = 'MILLRACE_TEST_REDIS_URL';

export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  /** Sends a signal (default SIGKILL) and waits for the end; SIGSTOP and SIGCONT pause and continue. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts again on the same port, empty. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** For tests that kill or restart it: never the server that the environment names. */
  readonly exclusive?: boolean;
}

/**
 * A real Redis that stores nothing: the one that MILLRACE_TEST_REDIS_URL names, or an own one on a free port that ends
 * with this process.
 * @throws MillraceError `test_server_missing`, saying what to install
 */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const external = process.env[variable];
  if (external !== undefined && external !== '' && options.exclusive !== true) return externalServer(external);
  const program = await findProgram({
    program: 'redis-server',
    debianPackage: 'redis-server',
    otherwise: 'https://redis.io/docs/latest/operate/oss_and_stack/install or "brew install redis"',
    variable,
  });
  const directory = serverDirectory('redis');
  const releaseGuard = guardDirectory(directory, 'KILL');
  const server = await LocalServer.start({
    name: 'redis-server',
    directory,
    command: (port) => ({
      program,
      arguments: [
        '--bind',
        '127.0.0.1',
        '--port',
        String(port),
        '--save',
        '',
        '--appendonly',
        'no',
        '--dir',
        directory,
      ],
      directory,
    }),
    answers: answersPing,
    stopSignal: 'SIGTERM',
    releaseGuard,
  });
  return {
    url: `redis://127.0.0.1:${server.port}`,
    kill: (signal) => server.kill(signal),
    restart: () => server.restart(),
    stop: () => server.stop(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

async function answersPing(port: number): Promise<void> {
  const client = new Redis({ host: '127.0.0.1', port, lazyConnect: true, retryStrategy: null, connectTimeout: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.ping();
  } finally {
    client.disconnect();
  }
}

function externalServer(url: string): RedisServer {
  const refuse = (what: string) => () => Promise.reject(notOurServer(variable, what));
  return {
    url,
    kill: refuse('kill it'),
    restart: refuse('restart it'),
    stop: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
