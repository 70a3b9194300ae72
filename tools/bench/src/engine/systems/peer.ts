/** A peer, installed on request beside the checkout and run as a process of its own over a Postgres or a Redis with fsync. */
import { launchPostgres, launchRedis, withClient } from '@millrace/servers';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { installedPeer } from '../../installed-peer.js';
import { childNamed, processorMs } from './processor-time.js';
import type { LoadTimes, MeasuredSystem } from './system.js';

export const peerNames = ['restate', 'dbos', 'langgraph', 'bullmq'] as const;
export type PeerName = (typeof peerNames)[number];

type Store = 'postgres' | 'redis' | 'own';
const storeOf: Readonly<Record<PeerName, Store>> = {
  restate: 'own',
  dbos: 'postgres',
  langgraph: 'postgres',
  bullmq: 'redis',
};

/** Installs a peer where it is not yet, starts it with its server, and waits until it can be told to run something. */
export async function startPeer(name: PeerName, report: (text: string) => void): Promise<MeasuredSystem> {
  const folder = await installedPeer(name, report);
  await using stack = new AsyncDisposableStack();
  const store = storeOf[name];
  const pids = new Map<string, number>();
  let [postgresUrl, redisUrl] = ['', ''];
  if (store === 'postgres') {
    const postgres = stack.use(await launchPostgres({ fsync: true }));
    postgresUrl = await postgres.createDatabase('bench');
    pids.set('postgres', await childNamed('postgres'));
  }
  if (store === 'redis') {
    redisUrl = stack.use(await launchRedis({ durable: true })).url;
    pids.set('redis', await childNamed('redis-server'));
  }
  const program = new PeerProgram(name, folder, { POSTGRES_URL: postgresUrl, REDIS_URL: redisUrl });
  stack.defer(() => program.end());
  await program.ready();
  pids.set('program', program.pid);
  const started = stack.move();
  return {
    name,
    load: (work, runs, inFlight) => program.load({ work, runs, inFlight }),
    async processorMs() {
      const times = [...pids].map(async ([each, pid]) => [each, await processorMs(pid)] as const);
      return Object.fromEntries(await Promise.all(times));
    },
    walBytes: () => (postgresUrl === '' ? Promise.resolve(null) : walBytes(postgresUrl)),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

const walBytes = (url: string): Promise<number> =>
  withClient(url, async (client) => {
    const found = await client.query<{ bytes: string }>(`select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as bytes`);
    return Number(found.rows[0]?.bytes);
  });

class PeerProgram {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  constructor(
    private readonly name: PeerName,
    folder: string,
    environment: Record<string, string>,
  ) {
    this.child = spawn(process.execPath, [join(folder, 'program.js')], {
      cwd: folder,
      env: { ...process.env, ...environment, NODE_ENV: 'production' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (this.child.stdout === null) throw new Error(`${name} has no output.`);
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async ready(): Promise<void> {
    await this.answer();
  }

  async load(request: { readonly work: string; readonly runs: number; readonly inFlight: number }): Promise<LoadTimes> {
    this.child.stdin?.write(`${JSON.stringify(request)}\n`);
    return (await this.answer()) as LoadTimes;
  }

  /** The end of its input ends it. */
  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.stdin?.end();
    await ended;
  }

  /** The next line that is JSON: some libraries greet on standard output. */
  private async answer(): Promise<unknown> {
    for (;;) {
      const next = await this.lines.next();
      if (next.done === true) throw new Error(`${this.name} ended early.`);
      if (next.value.startsWith('{')) return JSON.parse(next.value);
    }
  }
}
