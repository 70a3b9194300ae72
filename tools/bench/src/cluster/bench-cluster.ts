/** The diamond over processes with more and more orchestrators, and what each service and server pays for it. */
import type { Cluster } from '@millrace/cluster';
import { concurrentRuns, type DiamondFigures, measureManyAtOnce, measureOneAtATime } from '../diamond.js';
import { type ProcessUsage, usageOf } from '../process-usage.js';
import { withTemporaryCluster } from './temporary-cluster.js';

export interface Cost {
  /** Of all its replicas together, after the runs. */
  readonly memoryMiB: number;
  /** With 64 runs in flight. */
  readonly cpuMsPerRun: number;
}

export interface ClusterFigures extends DiamondFigures {
  readonly orchestrators: number;
  readonly startMs: number;
  /** By service and server. */
  readonly costs: Readonly<Record<string, Cost>>;
}

/** One measurement for each number of orchestrators. Tells what it is doing to `report`. */
export async function benchCluster(
  orchestrators: readonly number[],
  report: (text: string) => void,
): Promise<readonly ClusterFigures[]> {
  const figures: ClusterFigures[] = [];
  for (const count of orchestrators) {
    report(`${count} orchestrator${count === 1 ? '' : 's'}: the diamond over NATS and Postgres`);
    figures.push(await measure(count));
  }
  return figures;
}

const measure = (orchestrators: number): Promise<ClusterFigures> =>
  withTemporaryCluster({ replicas: { orchestrator: orchestrators } }, async (cluster, client, startMs) => {
    const times = await measureOneAtATime(client);
    const before = await usages(cluster);
    const runsPerSecond = await measureManyAtOnce(client);
    const costs = costsBetween(before, await usages(cluster));
    return { orchestrators, startMs, ...times, runsPerSecond, costs };
  });

/** By service and server. */
async function usages({ processes, nats, postgres, redis }: Cluster): Promise<ReadonlyMap<string, ProcessUsage>> {
  const pids = new Map<string, number[]>();
  for (const { service, pid } of processes) pids.set(service, [...(pids.get(service) ?? []), pid]);
  for (const [name, server] of Object.entries({ nats, postgres, redis })) {
    if (server?.pid !== undefined) pids.set(name, [server.pid]);
  }
  return new Map(await Promise.all([...pids].map(async ([name, all]) => [name, await usageOf(all)] as const)));
}

function costsBetween(
  before: ReadonlyMap<string, ProcessUsage>,
  after: ReadonlyMap<string, ProcessUsage>,
): Record<string, Cost> {
  const costs = [...after].map(([name, { memoryMiB, cpuMs }]) => {
    const cpuMsPerRun = (cpuMs - (before.get(name)?.cpuMs ?? 0)) / concurrentRuns;
    return [name, { memoryMiB: Math.round(memoryMiB), cpuMsPerRun }] as const;
  });
  return Object.fromEntries(costs);
}
