/** The system under test on this machine: servers, processes and the outside world that chaos plays itself. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNatsServer, startPostgres, startRedis } from '@millrace/testing';
import { startEffectLedger, type EffectLedger } from '../effects/effect-ledger.js';
import { serviceNames, type ServiceName } from '../faults/catalogue.js';
import { ControlFolder } from '../hooks/control.js';
import { startHostileProvider, type HostileProvider } from '../provider/hostile-provider.js';
import { graceMs, settingsOf, withoutTables } from './settings.js';
import { SupervisedProcess } from './supervised-process.js';

type Server = Awaited<ReturnType<typeof startNatsServer>>;
type Postgres = Awaited<ReturnType<typeof startPostgres>>;
type Redis = Awaited<ReturnType<typeof startRedis>>;

export interface World extends AsyncDisposable {
  readonly nats: Server;
  readonly postgres: Postgres;
  readonly redis: Redis;
  readonly ledger: EffectLedger;
  readonly provider: HostileProvider;
  readonly control: ControlFolder;
  readonly gatewayUrl: string;
  /** By service: its address in Postgres. */
  readonly databases: ReadonlyMap<ServiceName, string>;
  replicas(service: ServiceName): readonly SupervisedProcess[];
  readonly processes: readonly SupervisedProcess[];
  untilReady(): Promise<void>;
}

export type Replicas = Partial<Record<ServiceName, number>>;

const root = new URL('../../../../', import.meta.url);

/** Starts everything, and resolves when all of it is ready. */
export async function startWorld(replicas: Replicas): Promise<World> {
  await using opened = new AsyncDisposableStack();
  const nats = opened.use(await startNatsServer({ exclusive: true }));
  const redis = opened.use(await startRedis({ exclusive: true }));
  const postgres = opened.use(await startPostgres({ exclusive: true }));
  const ledger = opened.use(await startEffectLedger());
  const provider = opened.use(await startHostileProvider());
  const folder = mkdtempSync(join(tmpdir(), 'millrace-chaos-'));
  opened.defer(() => rmSync(folder, { recursive: true, force: true }));
  const control = new ControlFolder(join(folder, 'control'));
  mkdirSync(join(folder, 'logs'));

  const databases = new Map<ServiceName, string>();
  for (const service of serviceNames.filter((name) => !withoutTables.has(name))) {
    databases.set(service, await postgres.createDatabase(service));
  }
  const started = new Map<ServiceName, SupervisedProcess[]>();
  const urls = { nats: nats.url, redis: redis.url, provider: provider.baseUrl };
  for (const service of serviceNames) {
    const all: SupervisedProcess[] = [];
    for (let replica = 0; replica < (replicas[service] ?? 1); replica += 1) {
      const ports = { http: await freePort(), health: await freePort() };
      const name = `${service}-${replica}`;
      all.push(
        new SupervisedProcess({
          name,
          arguments: ['--import', hooksFor(service, control, ledger), mainOf(service)],
          environment: settingsOf(name, { ...urls, database: databases.get(service) }, ports),
          logFile: join(folder, 'logs', `${name}.log`),
          readyUrl: `http://127.0.0.1:${service === 'gateway' ? ports.http : ports.health}/readyz`,
        }),
      );
    }
    started.set(service, all);
  }
  const processes = [...started.values()].flat();
  for (const process of processes) process.start();
  opened.defer(async () => {
    await Promise.all(processes.map((process) => process.kill()));
  });
  const untilReady = async (): Promise<void> => {
    await Promise.all(processes.map((process) => process.untilReady()));
  };
  await untilReady();
  const gatewayUrl = new URL(started.get('gateway')?.[0]?.recipe.readyUrl ?? '').origin;
  const end = opened.move();
  return {
    ...{ nats, postgres, redis, ledger, provider, control, gatewayUrl, databases, processes, untilReady },
    replicas: (service) => started.get(service) ?? [],
    [Symbol.asyncDispose]: () => end.disposeAsync(),
  };
}

export { graceMs };

function hooksFor(service: ServiceName, control: ControlFolder, ledger: EffectLedger): string {
  const url = new URL('tools/chaos/dist/hooks/register.js', root);
  url.search = new URLSearchParams({ service, control: control.path, ledger: ledger.url }).toString();
  return url.href;
}

const mainOf = (service: ServiceName): string =>
  fileURLToPath(
    new URL(service === 'subscriber' ? 'tools/chaos/dist/subscriber/main.js' : `apps/${service}/dist/main.js`, root),
  );

/** A port that was free a moment ago; a process keeps it over its restarts. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
