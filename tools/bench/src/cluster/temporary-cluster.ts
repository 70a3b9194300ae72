import { MillraceClient } from '@millrace/client';
import { type Cluster, type ClusterOptions, startCluster } from '@millrace/cluster';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Every service as a process of its own over NATS and a Postgres with fsync, for the time of one measurement. */
export async function withTemporaryCluster<Result>(
  options: Pick<ClusterOptions, 'replicas'>,
  work: (cluster: Cluster, client: MillraceClient, startMs: number) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  try {
    const began = performance.now();
    await using cluster = await startCluster({ ...options, folder });
    const startMs = performance.now() - began;
    const client = new MillraceClient({ baseUrl: cluster.url, apiKey: await cluster.createKey('bench', 'admin') });
    return await work(cluster, client, startMs);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
