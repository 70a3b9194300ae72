/** The system under test: a cluster of real processes on this machine, supervised, and the outside world that chaos plays itself. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster, type Cluster } from '@millrace/cluster';
import { provisionService } from '@millrace/database';
import { startEffectLedger, type EffectLedger } from '../effects/effect-ledger.js';
import type { ServiceName } from '../faults/catalogue.js';
import { ControlFolder } from '../hooks/control.js';
import { startTrialProvider, type TrialProvider } from '../provider/trial-provider.js';
import { subscriberService } from '../subscriber/application.store.js';
import { natsAddress } from './nats-address.js';
import { surelyRowsOf } from './query.js';
import { settingsOf } from './settings.js';
import { startSubscriber } from './subscriber-process.js';
import { SupervisedProcess } from './supervised-process.js';

export interface World extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly ledger: EffectLedger;
  readonly provider: TrialProvider;
  readonly control: ControlFolder;
  readonly processes: readonly SupervisedProcess[];
  /** The processes of one service. */
  of(service: ServiceName): readonly SupervisedProcess[];
  /** An administrator's address of a service's database. */
  databaseUrl(service: ServiceName): string;
}

/** Starts everything, and resolves when all of it is ready. */
export async function startWorld(onProgress: (text: string) => void): Promise<World> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-chaos-'));
  opened.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const ledger = opened.use(await startEffectLedger());
  const provider = opened.use(await startTrialProvider());
  const control = new ControlFolder(join(folder, 'control'));
  const nodeArguments = (service: ServiceName): string[] => ['--import', hooksFor(service, control, ledger)];
  const cluster = opened.use(
    await startCluster({
      folder,
      // A deposed owner needs somebody who deposes it, and a paused worker somebody who takes its tasks.
      replicas: { orchestrator: 2, toolbox: 2 },
      environment: () => settingsOf(provider.baseUrl),
      nodeArguments,
      onProgress,
    }),
  );
  await letPostgresRestartSoon(cluster.postgres.url);
  const databaseUrl = (service: ServiceName): string => databaseOf(cluster.postgres.url, service);
  const subscriber = await startSubscriber({
    directory: await newFolder(join(folder, 'subscriber')),
    nodeArguments: nodeArguments('subscriber'),
    environment: await subscriberEnvironment(cluster, databaseUrl('subscriber')),
  });
  opened.defer(() => subscriber.stop());
  const services = new Map<ServiceName, SupervisedProcess[]>([['subscriber', [new SupervisedProcess(subscriber)]]]);
  for (const process of cluster.processes) {
    services.set(process.service, [...(services.get(process.service) ?? []), new SupervisedProcess(process)]);
  }
  const processes = [...services.values()].flat();
  opened.defer(() => processes.forEach((process) => process.release()));
  await Promise.all(processes.map((process) => process.untilReady()));
  const end = opened.move();
  return {
    ...{ cluster, ledger, provider, control, processes, databaseUrl },
    of: (service) => services.get(service) ?? [],
    [Symbol.asyncDispose]: () => end.disposeAsync(),
  };
}

/**
 * Servers are killed, disks are not pulled: what reached the operating system is there again. Syncing all files at every
 * start would take longer than a trial on a busy machine.
 */
async function letPostgresRestartSoon(url: string): Promise<void> {
  await surelyRowsOf(url, 'alter system set fsync = off');
  await surelyRowsOf(url, 'select pg_reload_conf()');
}

function hooksFor(service: ServiceName, control: ControlFolder, ledger: EffectLedger): string {
  const url = new URL('../../dist/hooks/register.js', import.meta.url);
  url.search = new URLSearchParams({ service, control: control.path, ledger: ledger.url }).toString();
  return url.href;
}

function databaseOf(adminUrl: string, service: ServiceName): string {
  const url = new URL(adminUrl);
  const name = service === 'subscriber' ? subscriberService : service;
  url.pathname = `/millrace_${name.replaceAll('-', '_')}`;
  return url.href;
}

async function subscriberEnvironment(cluster: Cluster, databaseUrl: string): Promise<Record<string, string>> {
  const password = new URL(databaseUrl).password;
  const adminUrl = cluster.postgres.url;
  const { servers, user, pass } = natsAddress(cluster.nats.url);
  const passwords = { ownerPassword: password, loginPassword: password };
  // It migrates by itself, so it works as the owner.
  const { ownerUrl } = await provisionService({ adminUrl, service: subscriberService, ...passwords });
  return {
    MILLRACE_DATABASE_URL: ownerUrl,
    MILLRACE_NATS_URL: servers,
    MILLRACE_NATS_USER: user,
    MILLRACE_NATS_PASSWORD: pass,
  };
}

async function newFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  return path;
}
