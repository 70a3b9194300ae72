/** NATS, Postgres and Redis: those that run already, and the missing ones started on this machine. */
import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MillraceError } from '@millrace/kernel';
import { operatorUser } from '@millrace/messaging';
import {
  launchNats,
  launchPostgres,
  launchRedis,
  type ExitInfo,
  type ManagedServer,
  type NatsServer,
  type PostgresServer,
} from '@millrace/servers';
import type { Credentials } from '../credentials/credentials.js';
import { natsConfig } from './nats-users.js';

export interface RunningServers {
  /** With the credentials of an operator. */
  readonly natsUrl?: string;
  /** Of a user who may create roles and databases. */
  readonly postgresUrl?: string;
  /** `none` starts no Redis and uses none. */
  readonly redisUrl?: string;
}

/** A server that the services use. One that was named by its address cannot be killed or restarted. */
export interface ClusterServer extends Pick<ManagedServer, 'url' | 'port' | 'kill' | 'restart'> {
  /** How what runs now, or ran last, ended; undefined for one that was named. */
  readonly exited: Promise<ExitInfo> | undefined;
  readonly logFile: string | undefined;
  readonly pid: number | undefined;
}

export interface ClusterNats extends ClusterServer, Pick<NatsServer, 'wipe' | 'reconfigure'> {}

export interface Servers {
  readonly nats: ClusterNats;
  readonly postgres: ClusterServer;
  readonly redis: ClusterServer | undefined;
  /** Ends those that were started. */
  stop(): Promise<void>;
}

/** @throws MillraceError `server_missing`, `server_folder_unusable` */
export async function openServers(folder: string, credentials: Credentials, running: RunningServers): Promise<Servers> {
  const started: ManagedServer[] = [];
  const unlessNamed = async <Server extends ManagedServer>(
    name: string,
    url: string | undefined,
    launch: (place: string, credentials: Credentials) => Promise<Server>,
  ): Promise<Server | undefined> => {
    if (url !== undefined) return undefined;
    const place = join(folder, name);
    await mkdir(place, { recursive: true, mode: 0o700 });
    const server = await launch(place, credentials);
    started.push(server);
    return server;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(started.splice(0).map((server) => server.stop()));
  };
  const opening = [
    unlessNamed('nats', running.natsUrl, startNats),
    unlessNamed('postgres', running.postgresUrl, startPostgres),
    unlessNamed('redis', running.redisUrl, startRedis),
  ] as const;
  const failure = (await Promise.allSettled(opening)).find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') {
    await stop();
    throw failure.reason;
  }
  const [nats, postgres, redis] = await Promise.all(opening);
  return {
    nats: nats ?? namedNats(running.natsUrl ?? ''),
    postgres: postgres ?? named(running.postgresUrl ?? '', 5432),
    redis: redis ?? (running.redisUrl === 'none' ? undefined : named(running.redisUrl ?? '', 6379)),
    stop,
  };
}

const startNats = (folder: string, credentials: Credentials): Promise<NatsServer> =>
  launchNats({
    folder,
    detached: true,
    config: natsConfig(credentials),
    credentials: { user: operatorUser, password: credentials.operator },
    instead: 'name a running one with --nats-url',
  });

async function startPostgres(folder: string, { postgres: password }: Credentials): Promise<PostgresServer> {
  // Root's Postgres runs as another user, who must pass through; looking around stays forbidden.
  if (process.getuid?.() === 0) await chmod(dirname(folder), (await stat(dirname(folder))).mode | 0o001);
  const instead = 'name a running one with --postgres-url';
  return launchPostgres({ folder, detached: true, password, fsync: true, instead });
}

const startRedis = (folder: string, { redis: password }: Credentials): Promise<ManagedServer> =>
  launchRedis({
    folder,
    detached: true,
    password,
    instead: 'name a running one with --redis-url, or go without with --redis-url none',
  });

function named(url: string, defaultPort: number): ClusterServer {
  const refuse = () => Promise.reject(notOwn());
  const port = Number(new URL(url).port || defaultPort);
  return { url, port, exited: undefined, logFile: undefined, pid: undefined, kill: refuse, restart: refuse };
}

const namedNats = (url: string): ClusterNats => ({
  ...named(url.split(',')[0] ?? url, 4222),
  url,
  wipe: () => Promise.reject(notOwn()),
  reconfigure: () => {
    throw notOwn();
  },
});

const notOwn = (): MillraceError =>
  new MillraceError('unsupported', 'server_not_own', "That server was named by its address; it is somebody else's.");
