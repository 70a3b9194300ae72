import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceClient, type RunStreamItem } from '@millrace/client';
import { buildWorkspace, eventually } from '@millrace/testing';
import pg from 'pg';
import { startCluster, type Cluster } from './index.js';

let parent: string;
let folder: string;
let cluster: Cluster;
let client: MillraceClient;
/** Of the second gateway. */
let other: MillraceClient;

beforeAll(async () => {
  await buildWorkspace();
  parent = mkdtempSync(join(tmpdir(), 'millrace-cluster-'));
  chmodSync(parent, 0o755);
  // Two folders that are not there yet, as in a fresh checkout.
  folder = join(parent, 'not-there', 'yet');
  cluster = await startCluster({ folder, replicas: { orchestrator: 2, gateway: 2, toolbox: 2 } });
  const apiKey = await cluster.createKey('acme', 'admin');
  const [first = '', second = ''] = cluster.urls;
  client = new MillraceClient({ baseUrl: first, apiKey });
  other = new MillraceClient({ baseUrl: second, apiKey });
}, 240_000);
afterAll(async () => {
  await cluster?.drain();
  rmSync(parent, { recursive: true, force: true, maxRetries: 3 });
}, 120_000);

const runDiamond = () => client.startRun({ graph: 'diamond', input: {} }, { waitSeconds: 60 });

/** How many partitions each orchestrator holds. */
async function partitions(): Promise<Record<string, number>> {
  const address = new URL(cluster.postgres.url);
  address.pathname = '/millrace_orchestrator';
  const database = new pg.Client({ connectionString: address.href });
  await database.connect();
  try {
    const { rows } = await database.query<{ owner: string; held: number }>(
      'select owner, count(*)::int as held from orchestrator.partition_lease where expires_at > now() group by owner',
    );
    return Object.fromEntries(rows.map(({ owner, held }) => [owner, held]));
  } finally {
    await database.end();
  }
}

const sharing = () =>
  eventually(
    async () => {
      const held = await partitions();
      return held['orchestrator-0'] === 8 && held['orchestrator-1'] === 8;
    },
    { timeoutMs: 60_000, describe: 'both orchestrators hold half of the partitions' },
  );

describe('a cluster of processes', () => {
  it('runs a graph over NATS and Postgres, each service as the user that it is', async () => {
    expect(await runDiamond()).toMatchObject({ status: 'completed' });
  });

  it('refuses a second cluster in the same folder', async () => {
    await expect(startCluster({ folder })).rejects.toMatchObject({ code: 'data_folder_in_use' });
  });
});

describe('two orchestrators', () => {
  it('share the partitions, take over from a dead one, and share again with its successor', async () => {
    await sharing();
    const runs = Array.from({ length: 20 }, () => client.startRun({ graph: 'fanout', input: {} }, { waitSeconds: 60 }));
    const [first] = cluster.of('orchestrator');
    const { pid } = first ?? {};
    expect(await first?.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    for (const run of await Promise.all(runs)) expect(run).toMatchObject({ status: 'completed' });
    await eventually(async () => (await partitions())['orchestrator-1'] === 16, { timeoutMs: 60_000 });
    await first?.restart();
    await first?.untilReady();
    expect(first?.pid).not.toBe(pid);
    await sharing();
    expect(await runDiamond()).toMatchObject({ status: 'completed' });
  }, 180_000);
});

/** One step after the other, so that a reader comes and goes while it runs. */
const slowGraph = {
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name: 'slow' },
  nodes: ['a', 'b', 'c', 'd', 'e', 'f'].map((id, index, all) => ({
    id,
    kind: 'tool',
    needs: index === 0 ? [] : [all[index - 1]],
    with: { tool: 'delay', arguments: { milliseconds: 150 } },
  })),
  output: '${{ nodes.f.output }}',
};

async function take(stream: AsyncGenerator<RunStreamItem>, count: number): Promise<RunStreamItem[]> {
  const items: RunStreamItem[] = [];
  for await (const item of stream) if (items.push(item) === count) break;
  return items;
}

describe('two gateways', () => {
  it('serve one stream in turn, with nothing missed and nothing twice, also when Redis goes', async () => {
    const { id } = await client.startRun({ graph: slowGraph, input: {} });
    const start = await take(other.streamRun(id), 3);
    await cluster.redis?.kill();
    const middle = await take(client.streamRun(id, { lastEventId: start.at(-1)?.id }), 4);
    const rest = await take(other.streamRun(id, { lastEventId: middle.at(-1)?.id }), Infinity);
    const positions = [...start, ...middle, ...rest].map((item) => (item.kind === 'event' ? item.event.position : 0));
    expect(positions).toEqual(positions.map((_, index) => index + 1));
    expect(rest.at(-1)).toMatchObject({ event: { type: 'RunCompleted' } });
    await cluster.redis?.restart();
  }, 120_000);

  it('start one run for one Idempotency-Key, whichever is asked', async () => {
    const request = { graph: 'diamond', input: {} };
    const asked = Array.from({ length: 6 }, (_, index) =>
      eventually(() => (index % 2 === 0 ? client : other).startRun(request, { idempotencyKey: 'once' }), {
        timeoutMs: 30_000,
      }),
    );
    expect(new Set((await Promise.all(asked)).map(({ id }) => id)).size).toBe(1);
  });

  it('let one finish what the other began when that one is killed', async () => {
    const [first] = cluster.of('gateway');
    const { id } = await client.startRun({ graph: slowGraph, input: {} });
    await first?.kill();
    const items = await take(other.streamRun(id), Infinity);
    expect(items.at(-1)).toMatchObject({ event: { type: 'RunCompleted' } });
    await first?.restart();
    await first?.untilReady();
    expect(await runDiamond()).toMatchObject({ status: 'completed' });
  }, 120_000);
});

describe('two workers of a kind', () => {
  it('share the tasks', async () => {
    const handled = async () =>
      Promise.all(
        cluster
          .of('toolbox')
          .map(async ({ healthUrl }) => tasksDone(await (await fetch(`${healthUrl}/metrics`)).text())),
      );
    const before = await handled();
    await Promise.all(
      Array.from({ length: 10 }, () => client.startRun({ graph: 'fanout', input: {} }, { waitSeconds: 60 })),
    );
    const after = await handled();
    for (const [index, count] of after.entries()) expect(count).toBeGreaterThan(before[index] ?? 0);
  }, 120_000);
});

/** From the metrics of a worker: how many tasks it has ended. */
const tasksDone = (metrics: string): number =>
  [...metrics.matchAll(/^millrace_task_duration_seconds_count(?:\{.*\})? (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
