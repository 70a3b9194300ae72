import { launchRedis, type RedisServer } from '@millrace/servers';
import { insteadOf, namedServer, notOurServer } from './external-server.js';

const variable = 'MILLRACE_TEST_REDIS_URL';

export interface RedisServerOptions {
  /** For tests that kill or restart it: never the server that the environment names. */
  readonly exclusive?: boolean;
}

/**
 * A real Redis that stores nothing: the one that MILLRACE_TEST_REDIS_URL names, or an own one on a free port that ends
 * with this process.
 * @throws MillraceError `server_missing`, saying what to install
 */
export async function startRedis({ exclusive }: RedisServerOptions = {}): Promise<RedisServer> {
  const external = namedServer(variable);
  if (external !== undefined && exclusive !== true) return externalServer(external);
  return launchRedis({ instead: insteadOf(variable) });
}

function externalServer(url: string): RedisServer {
  const refuse = (what: string) => () => Promise.reject(notOurServer(variable, what));
  return {
    url,
    port: Number(new URL(url).port || 6379),
    kill: refuse('kill it'),
    restart: refuse('restart it'),
    stop: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
