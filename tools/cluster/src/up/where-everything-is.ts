/** What a person or a script must know of a cluster that runs. No passwords but the key that is shown once. */
import { relative } from 'node:path';
import type { Cluster, Subscriber } from '../cluster.js';
import type { ClusterServer } from '../servers/servers.js';
import pc from 'picocolors';

export interface Started {
  readonly cluster: Cluster;
  readonly tenant: string;
  readonly apiKey: string | undefined;
  readonly subscribers: readonly Subscriber[];
}

/** The address without user and password. */
function bareAddress(url: string): string {
  return url
    .split(',')
    .map((each) => {
      const address = new URL(each.trim());
      address.username = '';
      address.password = '';
      return address.href;
    })
    .join(',');
}

export function startedDocument({ cluster, tenant, apiKey, subscribers }: Started) {
  const { folder, url, urls, nats, postgres, redis } = cluster;
  const serverOf = (server: ClusterServer) => ({ url: bareAddress(server.url), log: server.logFile ?? null });
  return {
    url,
    urls,
    tenant,
    apiKey: apiKey ?? null,
    folder,
    credentials: cluster.credentialsFile,
    services: cluster.processes.map(({ name, pid, url: address, healthUrl, logFile }) => ({
      name,
      pid,
      url: address ?? null,
      health: healthUrl,
      log: logFile,
    })),
    servers: {
      nats: serverOf(nats),
      postgres: serverOf(postgres),
      redis: redis === undefined ? null : serverOf(redis),
    },
    subscribers: subscribers.map(({ user }) => user),
  };
}

/** Relative to where the person is, unless it lies elsewhere. */
function nearPath(here: string, path: string): string {
  const near = relative(here, path);
  return near.startsWith('..') ? path : near;
}

export function startedText(started: Started, here: string, coloured: boolean): string {
  const { bold, dim } = pc.createColors(coloured);
  const { cluster, tenant, apiKey, subscribers } = started;
  const shorten = (path: string | undefined): string => (path === undefined ? '' : nearPath(here, path));
  const line = (name: string, where: string, log: string | undefined) =>
    `  ${name.padEnd(18)}${where.padEnd(36)}${dim(shorten(log))}`.trimEnd();
  const server = (name: string, { url, logFile }: ClusterServer) => line(name, bareAddress(url), logFile);
  const key = apiKey === undefined ? [] : [`API key of the tenant ${tenant}, shown only now: ${bold(apiKey)}`];
  return [
    `Millrace listens on ${bold(cluster.urls.join(' and '))}`,
    ...key,
    '',
    ...cluster.processes.map(({ name, url, healthUrl, logFile }) => line(name, url ?? healthUrl, logFile)),
    server('nats', cluster.nats),
    server('postgres', cluster.postgres),
    ...(cluster.redis === undefined ? [] : [server('redis', cluster.redis)]),
    ...subscribers.map(({ user }) => line('NATS user', user, undefined)),
    '',
    `Passwords are in ${shorten(cluster.credentialsFile)}. The demo against it, in another terminal:`,
    `  MILLRACE_API_KEY=${apiKey ?? '…'} npm run demo -- --url ${cluster.url}`,
    'Ctrl-C drains everything; a second one exits at once.',
    '',
  ].join('\n');
}
