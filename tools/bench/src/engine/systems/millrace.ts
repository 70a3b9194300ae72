/** The services that a run of tools needs, each as a process of its own over a real nats-server and a real Postgres with fsync. */
import { createKey, envelopeOf } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { connectJetStream } from '@millrace/messaging';
import { startNatsServer, startPostgres, withClient } from '@millrace/testing';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { usageOf } from '../../process-usage.js';
import { fanout } from '../scenarios/graphs.js';
import { Caller } from './caller.js';
import { childNamed, processorMs } from './processor-time.js';
import type { MeasuredSystem, Work } from './system.js';

const services = ['toolbox', 'orchestrator', 'gateway'] as const;
type Service = (typeof services)[number];

export interface Millrace extends MeasuredSystem {
  readonly caller: Caller;
  /** MiB of a service's process, what it shares counted once. */
  memoryMiB(service: Service): Promise<number>;
  /** Bytes that the orchestrator's database takes. */
  storedBytes(): Promise<number>;
  /** Kills the orchestrator and starts it again; resolves when it is ready. */
  restartOrchestrator(): Promise<void>;
}

const graphOf: Readonly<Record<Work, string>> = { diamond: 'diamond', fanout: 'bench-fanout' };

/** Starts what was built in a checkout, and waits until it is ready. */
export async function startMillrace(checkout: string, name = 'millrace'): Promise<Millrace> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNatsServer());
  const postgres = stack.use(await startPostgres({ fsync: true, exclusive: true }));
  const pids = new Map([
    ['nats', await childNamed('nats-server')],
    ['postgres', await childNamed('postgres')],
  ]);
  let url = '';
  const children = new Map<Service, ChildProcess>();
  const databases = new Map<Service, string>();
  /** Gives where it listens for callers. */
  const run = async (service: Service): Promise<string> => {
    const databaseUrl = databases.get(service) ?? '';
    const child = startService(checkout, service, { MILLRACE_NATS_URL: nats.url, MILLRACE_DATABASE_URL: databaseUrl });
    children.set(service, child);
    pids.set(service, child.pid ?? 0);
    return await readyAt(child, service);
  };
  for (const service of services) {
    if (service !== 'toolbox') databases.set(service, await postgres.createDatabase(service));
    stack.defer(() => end(children.get(service)));
    url = await run(service);
  }
  const caller = new Caller(url, await firstKey(nats.url));
  stack.defer(() => caller.close());
  await caller.publish(fanout);
  const read = (address: string, query: string): Promise<number> =>
    withClient(address, async (client) => Number((await client.query<{ bytes: string }>(query)).rows[0]?.bytes));
  const started = stack.move();
  return {
    ...{ name, caller },
    load: (work, runs, inFlight) => caller.load(graphOf[work], runs, inFlight),
    async processorMs() {
      const { user, system } = process.cpuUsage();
      const times = [...pids].map(async ([each, pid]) => [each, await processorMs(pid)] as const);
      return { client: (user + system) / 1_000, ...Object.fromEntries(await Promise.all(times)) };
    },
    walBytes: () => read(postgres.url, `select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as bytes`),
    storedBytes: () =>
      read(databases.get('orchestrator') ?? '', 'select pg_database_size(current_database()) as bytes'),
    memoryMiB: async (service) => (await usageOf([pids.get(service) ?? 0])).memoryMiB,
    async restartOrchestrator() {
      await end(children.get('orchestrator'), 'SIGKILL');
      await run('orchestrator');
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

function startService(checkout: string, service: string, environment: Record<string, string>): ChildProcess {
  // A young generation that begins small is collected all the time under load; see docs/performance.md.
  const script = join(checkout, 'apps', service, 'dist', 'main.js');
  return spawn(process.execPath, ['--min-semi-space-size=16', script], {
    env: {
      ...process.env,
      ...environment,
      NODE_ENV: 'production',
      MILLRACE_HTTP_PORT: '0',
      MILLRACE_HEALTH_HOST: '127.0.0.1',
      MILLRACE_HEALTH_PORT: '0',
      MILLRACE_LOG_FORMAT: 'json',
      // A name that stays lets a successor take its partitions over at once, as in every installation.
      MILLRACE_ORCHESTRATOR_REPLICA: 'bench',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Where a service says that it listens, once it is ready. @throws Error with what it said where it ends before */
async function readyAt(child: ChildProcess, service: string): Promise<string> {
  let said = '';
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`${service} ended early:\n${said}`)));
  const ready = new Promise<string>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const line = /^.*"ready".*$/m.exec(said)?.[0];
      if (line !== undefined) resolve(/"url":"(http:[^"]+)"/.exec(line)?.[1] ?? '');
    });
  });
  ended.catch(() => undefined);
  return await Promise.race([ready, ended]);
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

async function firstKey(natsUrl: string): Promise<string> {
  const bus = await connectJetStream({ servers: natsUrl, name: 'bench' });
  try {
    const context = { tenantId: 'bench', correlationId: newId('cor'), causationId: null };
    const envelope = envelopeOf(createKey, context, { name: 'bench', role: 'admin', onlyFirst: false });
    const reply = createKey.response.parse(await bus.request({ subject: createKey.subject, envelope }));
    return reply.key?.secret ?? '';
  } finally {
    await bus.drain({ graceMs: 1_000 });
  }
}
