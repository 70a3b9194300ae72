/** Runs a cluster until it is told to stop: what was asked for on the command line, watched, and drained in order. */
import { resolve } from 'node:path';
import { startCluster, type Cluster } from '../cluster.js';
import type { ClusterServer } from '../servers/servers.js';
import { supervise, type Supervised } from './supervise.js';
import type { UpFlags } from './up-options.js';
import { startedDocument, startedText } from './where-everything-is.js';

export interface UpTerminal {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** Against which `--data` is resolved. */
  readonly folder: string;
  readonly coloured: boolean;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
}

/** @throws MillraceError as `startCluster`; the signal's reason when it is told to stop before it runs */
export async function runUp(flags: UpFlags, terminal: UpTerminal): Promise<void> {
  const { signal, error, folder } = terminal;
  const report = (text: string): void => error(`${text}\n`);
  const { natsUrl, postgresUrl, redisUrl, replicas, port } = flags;
  await using cluster = await startCluster({
    folder: resolve(folder, flags.data),
    replicas,
    servers: { natsUrl, postgresUrl, redisUrl },
    httpPort: port,
    onProgress: report,
    signal,
  });
  await tellWhere(cluster, flags, terminal);
  // What is started again while the drain begins would outlive it, so the watch ends first.
  await supervise(supervisedOf(cluster), { report, signal });
  report(`${signal.reason instanceof Error ? signal.reason.message : 'Stopping'}: draining; again to exit at once`);
  await cluster.drain();
}

/** The services, and the servers that were started. */
function supervisedOf({ nats, postgres, redis, processes }: Cluster): Supervised[] {
  const servers = Object.entries({ nats, postgres, redis }).flatMap(([name, server]) =>
    server?.exited === undefined ? [] : [serverAsSupervised(name, server)],
  );
  return [...servers, ...processes];
}

const serverAsSupervised = (name: string, server: ClusterServer): Supervised => ({
  name,
  get exited() {
    return server.exited ?? Promise.reject(new Error(`${name} was not started here.`));
  },
  restart: () => server.restart(),
});

async function tellWhere(cluster: Cluster, flags: UpFlags, terminal: UpTerminal): Promise<void> {
  const { tenant, eventsFor = [], json = false } = flags;
  const apiKey = await cluster.createFirstKey(tenant);
  const subscribers = [];
  for (const tenantId of eventsFor) subscribers.push(await cluster.createSubscriber(tenantId));
  const started = { cluster, tenant, apiKey, subscribers };
  terminal.out(
    json
      ? `${JSON.stringify(startedDocument(started), null, 2)}\n`
      : startedText(started, terminal.folder, terminal.coloured),
  );
}
