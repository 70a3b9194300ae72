/** The services that a run of tools needs, each as a process of its own over a real nats-server and a real Postgres with fsync. */
import { createKey, envelopeOf } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { connectJetStream } from '@millrace/messaging';
import { startNatsServer, startPostgres, withClient } from '@millrace/testing';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Caller } from './caller.js';
import { childNamed, processorMs } from './processor-time.js';

const services = ['toolbox', 'orchestrator', 'gateway'] as const;

export interface MeasuredSystem extends AsyncDisposable {
  readonly caller: Caller;
  /** Processor time of each process since its start, in milliseconds. */
  processorMs(): Promise<Readonly<Record<string, number>>>;
  /** Bytes of the write-ahead log so far. */
  walBytes(): Promise<number>;
}

/** Starts what was built in a checkout, and waits until it is ready. */
export async function startSystem(checkout: string): Promise<MeasuredSystem> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNatsServer());
  const postgres = stack.use(await startPostgres({ fsync: true, exclusive: true }));
  const pids = new Map([
    ['nats', await childNamed('nats-server')],
    ['postgres', await childNamed('postgres')],
  ]);
  let url = '';
  for (const service of services) {
    const databaseUrl = service === 'toolbox' ? '' : await postgres.createDatabase(service);
    const child = startService(checkout, service, { MILLRACE_NATS_URL: nats.url, MILLRACE_DATABASE_URL: databaseUrl });
    stack.defer(() => end(child));
    pids.set(service, child.pid ?? 0);
    url = await readyAt(child, service);
  }
  const caller = new Caller(url, await firstKey(nats.url));
  stack.defer(() => caller.close());
  const started = stack.move();
  return {
    caller,
    async processorMs() {
      const { user, system } = process.cpuUsage();
      const times = [...pids].map(async ([name, pid]) => [name, await processorMs(pid)] as const);
      return { client: (user + system) / 1_000, ...Object.fromEntries(await Promise.all(times)) };
    },
    walBytes: () =>
      withClient(postgres.url, async (client) => {
        const found = await client.query<{ bytes: string }>(
          `select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as bytes`,
        );
        return Number(found.rows[0]?.bytes);
      }),
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

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
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
