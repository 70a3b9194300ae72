import { launchNats, type NatsServer } from '@millrace/servers';
import { externalServer, insteadOf, namedServer, notOurServer } from './external-server.js';

const variable = 'MILLRACE_TEST_NATS_URL';

export interface NatsServerOptions {
  /** Lines of a nats-server configuration file, e.g. accounts. Port, address and store are set by the launcher. */
  readonly config?: string;
  /** For tests that kill or restart it: never the server that the environment names. Implied by `config`. */
  readonly exclusive?: boolean;
}

/**
 * A real nats-server with JetStream: the one that MILLRACE_TEST_NATS_URL names, or an own one on a free port that ends
 * with this process.
 * @throws MillraceError `server_missing`, saying what to install
 */
export async function startNatsServer({ config, exclusive }: NatsServerOptions = {}): Promise<NatsServer> {
  const external = namedServer(variable);
  if (external !== undefined && exclusive !== true && config === undefined) return externalNats(external);
  return launchNats({ config, instead: insteadOf(variable) });
}

function externalNats(url: string): NatsServer {
  const refuse = (what: string): never => {
    throw notOurServer(variable, what);
  };
  const server: NatsServer = {
    ...externalServer(variable, url, 4222),
    get storeDirectory(): string {
      return refuse('look into its store');
    },
    reconfigure: () => refuse('configure it'),
    wipe: () => Promise.reject(notOurServer(variable, 'wipe it')),
  };
  return server;
}
