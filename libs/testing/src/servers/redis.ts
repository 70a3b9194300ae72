import { launchRedis, type RedisServer } from '@millrace/servers';
import { externalServer, insteadOf, namedServer } from './external-server.js';

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
  if (external !== undefined && exclusive !== true) return externalServer(variable, external, 6379);
  return launchRedis({ instead: insteadOf(variable) });
}
