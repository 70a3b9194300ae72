import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceClient } from '@millrace/client';
import { buildWorkspace } from '@millrace/testing';
import { startCluster, type Cluster } from './index.js';

let folder: string;
let cluster: Cluster;
let client: MillraceClient;

beforeAll(async () => {
  await buildWorkspace();
  folder = mkdtempSync(join(tmpdir(), 'millrace-cluster-'));
  cluster = await startCluster({ folder, replicas: { orchestrator: 2, gateway: 2 } });
  client = new MillraceClient({ baseUrl: cluster.url, apiKey: await cluster.createKey('acme', 'admin') });
}, 240_000);
afterAll(async () => {
  await cluster?.drain();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}, 120_000);

const runDiamond = () => client.startRun({ graph: 'diamond', input: {} }, { waitSeconds: 60 });

describe('a cluster of processes', () => {
  it('runs a graph over NATS and Postgres, each service as the user that it is', async () => {
    expect(await runDiamond()).toMatchObject({ status: 'completed' });
  });

  it('goes on when an orchestrator is killed, and takes it back', async () => {
    const [first] = cluster.of('orchestrator');
    const { pid } = first ?? {};
    expect(await first?.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await runDiamond()).toMatchObject({ status: 'completed' });
    await first?.restart();
    await first?.untilReady();
    expect(first?.pid).not.toBe(pid);
    expect(await runDiamond()).toMatchObject({ status: 'completed' });
  }, 120_000);

  it('refuses a second cluster in the same folder', async () => {
    await expect(startCluster({ folder })).rejects.toMatchObject({ code: 'data_folder_in_use' });
  });
});
