/** The whole system as processes on this machine: the servers that are missing, and each service as a process of its own. */
import { createKey as createKeyContract, envelopeOf, tenantIdSchema, type Role } from '@millrace/contracts';
import { lockFolder, provisionService, type ProvisionedDatabase } from '@millrace/database';
import { invalidInput, newId } from '@millrace/kernel';
import { connectJetStream, operatorUser, subscriberUser, type ServiceName } from '@millrace/messaging';
import { freePort, requireFreePort } from '@millrace/servers';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  credentialsFileOf,
  newPassword,
  openCredentials,
  saveCredentials,
  type Credentials,
} from './credentials/credentials.js';
import { migrateService } from './processes/migrate-service.js';
import { serviceEnvironment, type ServiceAddresses } from './processes/service-environment.js';
import { LocalServiceProcess, type ServiceProcess } from './processes/service-process.js';
import { natsConfig } from './servers/nats-users.js';
import {
  openServers,
  type ClusterNats,
  type ClusterServer,
  type RunningServers,
  type Servers,
} from './servers/servers.js';
import { services, type ServiceKind } from './services.js';

export interface ClusterOptions {
  /** Data, logs and credentials; made where it is missing. One cluster at a time may use it. */
  readonly folder: string;
  /** How many processes of each service. Default 1. */
  readonly replicas?: Partial<Record<ServiceName, number>>;
  /** Further variables of a process, stronger than those that the cluster sets. */
  readonly environment?: (service: ServiceName, replica: number) => Record<string, string>;
  /** Arguments of Node before the service's own file, such as `--import` and a module. */
  readonly nodeArguments?: (service: ServiceName, replica: number) => readonly string[];
  /** Servers that run already; what is not named is started. */
  readonly servers?: RunningServers;
  /** Of the first gateway, on 127.0.0.1; 0, the default, lets the system choose. */
  readonly httpPort?: number;
  readonly onProgress?: (text: string) => void;
  /** Gives up the start; what was started is ended then. */
  readonly signal?: AbortSignal;
}

export interface Subscriber {
  readonly user: string;
  readonly password: string;
}

export interface Cluster extends AsyncDisposable {
  readonly folder: string;
  /** Where the passwords are. */
  readonly credentialsFile: string;
  /** Of the first gateway. */
  readonly url: string;
  /** Of every gateway. */
  readonly urls: readonly string[];
  readonly processes: readonly ServiceProcess[];
  readonly nats: ClusterNats;
  readonly postgres: ClusterServer;
  /** Undefined where there is none. */
  readonly redis: ClusterServer | undefined;
  /** The processes of one service. */
  of(service: ServiceName): readonly ServiceProcess[];
  /** A new API key of a tenant, which is made where it is new. */
  createKey(tenantId: string, role: Role): Promise<string>;
  /** An admin key where the tenant has none. */
  createFirstKey(tenantId: string): Promise<string | undefined>;
  /** A NATS user who sees the tenant's events and nothing else; the same one when asked again. Own NATS only. */
  createSubscriber(tenantId: string): Promise<Subscriber>;
  /** Ends services in the order that loses nothing, then the servers that were started. Safe to call twice. */
  drain(): Promise<void>;
}

/**
 * Starts everything and waits until every service is ready.
 * @throws MillraceError `port_in_use`, `server_missing`, `server_folder_unusable`, `data_folder_in_use`, `migration_failed`,
 *   `service_ended`, `service_not_ready`
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const folder = resolve(options.folder);
  // Only the folder itself is closed: Postgres runs as another user than root, and must pass through those above.
  await mkdir(dirname(folder), { recursive: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const unlock = await lockFolder(folder);
  const cluster = new LocalCluster(folder, options, unlock);
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster.drain();
    throw error;
  }
}

class LocalCluster implements Cluster {
  readonly processes: LocalServiceProcess[] = [];
  private servers: Servers | undefined;
  private credentials: Credentials | undefined;
  private draining: Promise<void> | undefined;

  constructor(
    readonly folder: string,
    private readonly options: ClusterOptions,
    private readonly unlock: () => Promise<void>,
  ) {}

  get nats(): ClusterNats {
    return this.opened.nats;
  }

  get postgres(): ClusterServer {
    return this.opened.postgres;
  }

  get redis(): ClusterServer | undefined {
    return this.opened.redis;
  }

  get urls(): readonly string[] {
    return this.processes.flatMap(({ url }) => url ?? []);
  }

  get url(): string {
    return this.urls[0] ?? '';
  }

  get credentialsFile(): string {
    return credentialsFileOf(this.folder);
  }

  of(service: ServiceName): readonly ServiceProcess[] {
    return this.processes.filter((process) => process.service === service);
  }

  async start(): Promise<void> {
    const { onProgress, signal, servers = {} } = this.options;
    await requireFreePort(this.options.httpPort ?? 0);
    this.credentials = await openCredentials(this.folder);
    onProgress?.('Starting the servers that are missing');
    this.servers = await openServers(this.folder, this.credentials, servers);
    signal?.throwIfAborted();
    const databases = await this.prepareDatabases(this.credentials);
    signal?.throwIfAborted();
    onProgress?.('Starting the services');
    for (const kind of services) await this.startService(kind, databases.get(kind.name));
    await Promise.all(this.processes.map((process) => process.untilReady({ signal })));
  }

  async createKey(tenantId: string, role: Role): Promise<string> {
    return (await this.requestKey(tenantId, role, false)) ?? '';
  }

  createFirstKey(tenantId: string): Promise<string | undefined> {
    return this.requestKey(tenantId, 'admin', true);
  }

  async createSubscriber(tenantId: string): Promise<Subscriber> {
    const { credentials } = this;
    if (credentials === undefined) throw new Error('The cluster has not started.');
    if (!tenantIdSchema.safeParse(tenantId).success) {
      throw invalidInput('invalid_tenant', `"${tenantId.slice(0, 100)}" is not the id of a tenant.`);
    }
    credentials.subscribers[tenantId] ??= newPassword();
    this.nats.reconfigure(natsConfig(credentials));
    await saveCredentials(this.folder, credentials);
    return { user: subscriberUser(tenantId), password: credentials.subscribers[tenantId] };
  }

  drain(): Promise<void> {
    return (this.draining ??= this.drainOnce());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain();
  }

  /** For logs. */
  private get servicesFolder(): string {
    return join(this.folder, 'services');
  }

  private get opened(): Servers {
    if (this.servers === undefined) throw new Error('The servers have not started.');
    return this.servers;
  }

  private async drainOnce(): Promise<void> {
    for (const { name } of services.toReversed()) {
      const ending = this.processes.filter(({ service }) => service === name);
      if (ending.length > 0) this.options.onProgress?.(`Draining ${name}`);
      await Promise.all(ending.map((process) => process.stop()));
    }
    await this.servers?.stop();
    await this.unlock();
  }

  /** A database per service, migrated; gives the addresses with which the services work in them. */
  private async prepareDatabases(credentials: Credentials): Promise<Map<ServiceName, string>> {
    const { onProgress, signal } = this.options;
    const adminUrl = this.postgres.url;
    const databases = new Map<ServiceName, ProvisionedDatabase>();
    onProgress?.('Making a database with an owner and a login for each service');
    for (const { name: service, hasDatabase } of services) {
      const passwords = credentials.services[service];
      if (!hasDatabase || passwords === undefined) continue;
      signal?.throwIfAborted();
      const { owner: ownerPassword, login: loginPassword } = passwords;
      databases.set(service, await provisionService({ adminUrl, service, ownerPassword, loginPassword }));
    }
    onProgress?.('Migrating the databases');
    const migrating = [...databases].map(([service, urls]) =>
      migrateService({ service, folder: this.servicesFolder, ...urls }),
    );
    const failure = (await Promise.allSettled(migrating)).find(({ status }) => status === 'rejected');
    if (failure?.status === 'rejected') throw failure.reason;
    return new Map([...databases].map(([service, { loginUrl }]) => [service, loginUrl]));
  }

  private async startService({ name, isDoor = false }: ServiceKind, databaseUrl: string | undefined): Promise<void> {
    const { replicas, environment, nodeArguments, httpPort = 0, signal } = this.options;
    for (let replica = 0; replica < (replicas?.[name] ?? 1); replica += 1) {
      signal?.throwIfAborted();
      const isFirstDoor = isDoor && replica === 0;
      const addresses: ServiceAddresses = {
        nats: this.natsOf(name),
        databaseUrl,
        redisUrl: isDoor ? this.redis?.url : undefined,
        httpPort: isDoor ? (isFirstDoor && httpPort !== 0 ? httpPort : await freePort()) : undefined,
        healthPort: await freePort(),
      };
      const process = await LocalServiceProcess.start({
        service: name,
        replica,
        folder: this.servicesFolder,
        healthPort: addresses.healthPort,
        httpPort: addresses.httpPort,
        environment: { ...serviceEnvironment(name, replica, addresses), ...environment?.(name, replica) },
        nodeArguments: nodeArguments?.(name, replica) ?? [],
      });
      this.processes.push(process);
    }
  }

  /** On a server of somebody else every service is the user that its address names. */
  private natsOf(service: ServiceName): ServiceAddresses['nats'] {
    const { nats } = this;
    if (nats.exited === undefined) return splitCredentials(nats.url);
    return { url: `nats://127.0.0.1:${nats.port}`, user: service, password: this.credentials?.services[service]?.nats };
  }

  private async requestKey(tenantId: string, role: Role, onlyFirst: boolean): Promise<string | undefined> {
    const { url, user, password } = splitCredentials(this.nats.url);
    const replicas = Number(process.env['MILLRACE_NATS_REPLICAS'] ?? 1);
    const bus = await connectJetStream({ servers: url.split(','), name: operatorUser, user, pass: password, replicas });
    try {
      const context = { tenantId, correlationId: newId('cor'), causationId: null };
      const envelope = envelopeOf(createKeyContract, context, { name: onlyFirst ? 'first' : role, role, onlyFirst });
      const reply = await bus.request({ subject: createKeyContract.subject, envelope });
      return createKeyContract.response.parse(reply).key?.secret;
    } finally {
      await bus.drain({ graceMs: 1_000 });
    }
  }
}

/** NATS clients take credentials beside the address, not in it. */
function splitCredentials(url: string): ServiceAddresses['nats'] {
  const addresses = url.split(',').map((each) => new URL(each.trim()));
  const { username, password } = addresses[0] ?? new URL('nats://127.0.0.1');
  return {
    url: addresses.map(({ host }) => `nats://${host}`).join(','),
    user: username === '' ? undefined : decodeURIComponent(username),
    password: password === '' ? undefined : decodeURIComponent(password),
  };
}
